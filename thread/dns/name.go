package dns

import "strings"

// Lower returns a name in lower case, as names are compared.
func (n Name) Lower() Name { return lower([]byte(n)) }

// Under reports whether a name is that of a domain or lies under it. Both are in lower case.
func (n Name) Under(domain Name) bool {
	for i := 0; i < len(n); i += int(n[i]) + 1 {
		if n[i:] == domain {
			return true
		}
		if n[i] == 0 {
			return false
		}
	}
	return false
}

// Label returns the first label of a name as it is written, and the name behind it.
func (n Name) Label() (label string, rest Name) {
	if len(n) == 0 || n[0] == 0 {
		return "", n
	}
	return string(n[1 : 1+n[0]]), n[1+n[0]:]
}

// Labels makes a name of labels that may hold dots, in front of a name.
func Labels(rest Name, labels ...string) (Name, error) {
	var b strings.Builder
	for _, l := range labels {
		if l == "" || len(l) > MaxLabel {
			return "", ErrName
		}
		b.WriteByte(byte(len(l)))
		b.WriteString(l)
	}
	b.WriteString(string(rest))
	if b.Len() > MaxName {
		return "", ErrName
	}
	return Name(b.String()), nil
}
