// Package firmware has what a firmware package is: a small container that carries name, version and a digest of its image,
// and the check of a package that arrives piece by piece. Both sides of LwM2M's Firmware Update object (5) use it.
//
// A container is, with numbers in network order:
//
//	 0   4  the bytes "HDFW"
//	 4   1  the format's version, 1
//	 5   1  length of the name, 0 to 64
//	 6   1  length of the version, 0 to 64
//	 7   1  reserved, 0
//	 8   8  length of the image
//	16  32  SHA-256 of the image
//	48      name and version, UTF-8
//	     4  CRC-32C of all bytes before
//	        the image
//
// Anything that does not begin with those four bytes is a raw package: it is taken as it is, without a check of its own.
package firmware

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"unicode"
	"unicode/utf8"
)

// magic begins every container.
const magic = "HDFW"

// The parts of a container's header.
const (
	formatVersion = 1
	fixedSize     = 48
	crcSize       = 4
	// MaxText bounds name and version, in bytes.
	MaxText = 64
	// MaxHeader is the size of the largest header.
	MaxHeader = fixedSize + 2*MaxText + crcSize
)

// Errors of a package's check.
var (
	// ErrIntegrity says that the package is damaged: a checksum or a length is wrong.
	ErrIntegrity = errors.New("firmware: the package is damaged")
	// ErrType says that the package is of a kind that is not understood.
	ErrType = errors.New("firmware: the package is of an unsupported type")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header is what a container says about its image.
type Header struct {
	Name, Version string
	Image         uint64   // length in bytes
	Digest        [32]byte // SHA-256
}

// Size is the length of the encoded header.
func (h *Header) Size() int { return fixedSize + len(h.Name) + len(h.Version) + crcSize }

// Append appends the encoded header; the image follows it.
func (h *Header) Append(dst []byte) ([]byte, error) {
	for _, s := range []string{h.Name, h.Version} {
		if err := CheckText(s); err != nil {
			return dst, err
		}
	}
	start := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, formatVersion, byte(len(h.Name)), byte(len(h.Version)), 0)
	dst = binary.BigEndian.AppendUint64(dst, h.Image)
	dst = append(dst, h.Digest[:]...)
	dst = append(append(dst, h.Name...), h.Version...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli)), nil
}

// CheckText reports why a text cannot be a package's name or version.
func CheckText(s string) error {
	if len(s) > MaxText {
		return fmt.Errorf("firmware: a name or version has at most %d bytes, not %d", MaxText, len(s))
	}
	if !utf8.ValidString(s) {
		return errors.New("firmware: a name or version is not valid UTF-8")
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return errors.New("firmware: a name or version has a character that cannot be printed")
		}
	}
	return nil
}

// headerSize says how long the header is that begins with b: 0 while b is too short to tell, -1 for a raw package.
func headerSize(b []byte) (int, error) {
	for i := range min(len(b), len(magic)) {
		if b[i] != magic[i] {
			return -1, nil
		}
	}
	if len(b) < 8 {
		return 0, nil
	}
	if b[4] != formatVersion || b[7] != 0 {
		return 0, fmt.Errorf("%w: its format has version %d, this program knows %d", ErrType, b[4], formatVersion)
	}
	if b[5] > MaxText || b[6] > MaxText {
		return 0, fmt.Errorf("%w: its name or version is too long", ErrIntegrity)
	}
	return fixedSize + int(b[5]) + int(b[6]) + crcSize, nil
}

// parse reads a whole header.
func parse(b []byte) (h Header, err error) {
	body := b[:len(b)-crcSize]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]) {
		return h, fmt.Errorf("%w: the checksum of its header is wrong", ErrIntegrity)
	}
	h.Image = binary.BigEndian.Uint64(b[8:])
	copy(h.Digest[:], b[16:])
	n := fixedSize + int(b[5])
	h.Name, h.Version = string(body[fixedSize:n]), string(body[n:])
	if CheckText(h.Name) != nil || CheckText(h.Version) != nil || h.Image > maxImage {
		return h, fmt.Errorf("%w: its header makes no sense", ErrIntegrity)
	}
	return h, nil
}

// maxImage keeps sums of lengths far from overflow.
const maxImage = 1 << 48
