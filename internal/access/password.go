package access

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Argon2id with the parameters that OWASP's password storage cheat sheet gives first: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 << 10
	argonTime   = 2
	argonLanes  = 1
	saltSize    = 16
	hashSize    = 32
)

// Limits of a password's length. The upper one bounds the work.
const (
	passwordLeast = 10
	passwordMost  = 256
)

func checkPassword(p string) error {
	switch n := utf8.RuneCountInString(p); {
	case n < passwordLeast:
		return fmt.Errorf("%w: a password needs at least %d characters", ErrInvalid, passwordLeast)
	case len(p) > passwordMost:
		return fmt.Errorf("%w: a password has at most %d bytes", ErrInvalid, passwordMost)
	}
	return nil
}

// hashPassword returns the hash in the usual text form, which carries its parameters.
func (m *Manager) hashPassword(password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(m.rand, salt); err != nil {
		return "", fmt.Errorf("access: no randomness: %w", err)
	}
	memory, time := uint32(argonMemory), uint32(argonTime)
	if m.cheap {
		memory, time = 64, 1
	}
	h := m.argon(password, salt, time, memory, argonLanes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, time, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(h)), nil
}

// argon hashes, two at a time at most: each takes 19 MiB.
func (m *Manager) argon(password string, salt []byte, time, memory uint32, lanes uint8) []byte {
	m.hashing <- struct{}{}
	defer func() { <-m.hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, lanes, hashSize)
}

// verifyPassword compares in constant time. A stored hash of a form that we do not write matches nothing.
func (m *Manager) verifyPassword(stored, password string) bool {
	var version int
	var memory, time uint32
	var lanes uint8
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || len(password) > passwordMost {
		return false
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &lanes); err != nil || memory > 1<<20 || time > 100 || time == 0 || lanes == 0 {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) != hashSize {
		return false
	}
	return subtle.ConstantTimeCompare(m.argon(password, salt, time, memory, lanes), want) == 1
}
