package leshan

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// bsBytes is bytes as Leshan's JSON has them: an array of numbers, of which Java makes some negative. Hexadecimal is read too.
type bsBytes []byte

// MarshalJSON implements json.Marshaler.
func (b bsBytes) MarshalJSON() ([]byte, error) {
	n := make([]int, len(b))
	for i, x := range b {
		n[i] = int(x)
	}
	return json.Marshal(n)
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *bsBytes) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		x, err := hex.DecodeString(text)
		*b = x
		if err != nil {
			return errors.New("bytes are an array of numbers, or hexadecimal digits")
		}
		return nil
	}
	var n []int
	if err := json.Unmarshal(raw, &n); err != nil {
		return errors.New("bytes are an array of numbers, or hexadecimal digits")
	}
	*b = make([]byte, len(n))
	for i, x := range n {
		if x < -128 || x > 255 {
			return fmt.Errorf("%d is no byte", x)
		}
		(*b)[i] = byte(x)
	}
	return nil
}

// bsBinding is a binding as a list of letters, ["U","T"], or as a text.
type bsBinding string

// MarshalJSON implements json.Marshaler.
func (b bsBinding) MarshalJSON() ([]byte, error) { return json.Marshal(strings.Split(string(b), "")) }

// UnmarshalJSON implements json.Unmarshaler.
func (b *bsBinding) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		*b = bsBinding(strings.Join(list, ""))
		return nil
	}
	var text string
	err := json.Unmarshal(raw, &text)
	*b = bsBinding(text)
	return err
}
