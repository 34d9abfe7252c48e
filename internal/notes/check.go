package notes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

func compare(a, b string) int { return strings.Compare(a, b) }

// check brings a note into its stored form, tags sorted and each once, or says what is wrong with it.
func check(endpoint string, n *Note) error {
	if endpoint == "" || len(endpoint) > EndpointMost || !utf8.ValidString(endpoint) || strings.ContainsFunc(endpoint, unicode.IsControl) {
		return fmt.Errorf("%w: an endpoint has 1 to %d bytes of UTF-8 without control characters", ErrInvalid, EndpointMost)
	}
	n.Text = strings.TrimSpace(n.Text)
	if len(n.Text) > NoteMost || !utf8.ValidString(n.Text) || strings.ContainsFunc(n.Text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		return fmt.Errorf("%w: a note has at most %d bytes of UTF-8 text", ErrInvalid, NoteMost)
	}
	tags := slices.Clone(n.Tags)
	for _, t := range tags {
		if err := checkTag(t); err != nil {
			return err
		}
	}
	slices.Sort(tags)
	n.Tags = slices.Compact(tags)
	if len(n.Tags) > TagsMost {
		return fmt.Errorf("%w: a device has at most %d tags", ErrInvalid, TagsMost)
	}
	return nil
}

func checkTag(t string) error {
	if t == "" || len(t) > TagMost || !utf8.ValidString(t) ||
		strings.ContainsFunc(t, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == ',' }) {
		return fmt.Errorf("%w: a tag has 1 to %d bytes without spaces and commas", ErrInvalid, TagMost)
	}
	return nil
}

// version of the encoding: version, then text, number of tags, and tags, each text with its length before it.
const version = 1

var errForm = errors.New("the note has an unknown form; it was written by a newer version or is damaged")

func encode(n Note) []byte {
	b := []byte{version}
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	text(n.Text)
	b = binary.AppendUvarint(b, uint64(len(n.Tags)))
	for _, t := range n.Tags {
		text(t)
	}
	return b
}

func decode(b []byte) (n Note, err error) {
	if len(b) == 0 || b[0] != version {
		return n, errForm
	}
	b = b[1:]
	number := func() uint64 {
		v, size := binary.Uvarint(b)
		if size <= 0 {
			err, b = errForm, nil
			return 0
		}
		b = b[size:]
		return v
	}
	text := func() string {
		size := number()
		if size > uint64(len(b)) {
			err, b = errForm, nil
			return ""
		}
		s := string(b[:size])
		b = b[size:]
		return s
	}
	n.Text = text()
	for count := number(); count > 0 && err == nil; count-- {
		n.Tags = append(n.Tags, text())
	}
	if err == nil && len(b) > 0 {
		err = errForm
	}
	return n, err
}
