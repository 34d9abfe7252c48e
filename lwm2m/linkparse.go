package lwm2m

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ParseLinks reads a link-format document into dst. Paths are taken below the alternate root ("" or "/" is none). What
// comes back keeps nothing of b.
func ParseLinks(dst []Link, root string, b []byte) ([]Link, error) {
	return parseLinks(dst, strings.TrimRight(root, "/"), string(b))
}

func parseLinks(dst []Link, root, doc string) ([]Link, error) {
	if !utf8.ValidString(doc) {
		return dst, fmt.Errorf("%w: not UTF-8", ErrLink)
	}
	start := len(dst)
	for rest := skipBlank(doc); rest != ""; {
		if len(dst)-start == MaxLinks {
			return dst, fmt.Errorf("%w: more than %d links", ErrLink, MaxLinks)
		}
		l, r, ok := cutLink(rest)
		if !ok {
			return dst, fmt.Errorf("%w at byte %d: %s", ErrLink, len(doc)-len(rest), quoted(rest))
		}
		l.Path, l.IsPath = pathBelow(root, l.Target)
		dst = append(dst, l)
		if rest = skipBlank(r); rest == "" {
			break
		}
		// A comma at the very end is what some devices send.
		if rest[0] != ',' {
			return dst, fmt.Errorf("%w at byte %d: want a comma before %s", ErrLink, len(doc)-len(rest), quoted(rest))
		}
		rest = skipBlank(rest[1:])
	}
	return dst, nil
}

// pathBelow returns the LwM2M path of a target under the root.
func pathBelow(root, target string) (Path, bool) {
	if root != "" {
		if !strings.HasPrefix(target, root) {
			return Path{}, false
		}
		if target = target[len(root):]; target == "" {
			return Root, true
		}
		if target[0] != '/' {
			return Path{}, false
		}
	}
	if len(target) > 1 && target[len(target)-1] == '/' {
		target = target[:len(target)-1]
	}
	return parsePath(target)
}

// cutLink takes the first link off a document.
func cutLink(s string) (l Link, rest string, ok bool) {
	if s == "" || s[0] != '<' {
		return l, s, false
	}
	end := strings.IndexByte(s, '>')
	if end < 0 || strings.IndexByte(s[1:end], '<') >= 0 {
		return l, s, false
	}
	l.Target = s[1:end]
	rest = s[end+1:]
	params := rest
	for n := 0; rest != "" && rest[0] == ';'; n++ {
		if n == maxLinkParams {
			return l, s, false
		}
		if _, _, _, rest, ok = cutParam(rest); !ok {
			return l, s, false
		}
	}
	l.params = params[:len(params)-len(rest)]
	return l, rest, true
}

// cutParam takes the first ";name", ";name=token" or ";name="quoted"" off a list of parameters.
func cutParam(s string) (name, value string, has bool, rest string, ok bool) {
	i := 1
	for i < len(s) && s[i] == ' ' {
		i++
	}
	start := i
	for i < len(s) && s[i] != '=' && s[i] != ';' && s[i] != ',' {
		if c := s[i]; c <= ' ' || c == '"' || c == '<' || c == '>' || c == 0x7F {
			return "", "", false, "", false
		}
		i++
	}
	if name = s[start:i]; name == "" {
		return "", "", false, "", false
	}
	if i == len(s) || s[i] != '=' {
		return name, "", false, s[i:], true
	}
	if i++; i < len(s) && s[i] == '"' {
		value, n, ok := cutQuoted(s[i:])
		return name, value, true, s[i+n:], ok
	}
	start = i
	for i < len(s) && s[i] != ';' && s[i] != ',' {
		if c := s[i]; c <= ' ' || c == '"' || c == '<' || c == '>' || c == 0x7F {
			return "", "", false, "", false
		}
		i++
	}
	return name, s[start:i], true, s[i:], i > start
}

// cutQuoted reads a quoted string at the start of s; n is its length with the quotation marks.
func cutQuoted(s string) (value string, n int, ok bool) {
	escaped := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			if !escaped {
				return s[1:i], i + 1, true
			}
			var b strings.Builder
			for j := 1; j < i; j++ {
				if s[j] == '\\' {
					j++
				}
				b.WriteByte(s[j])
			}
			return b.String(), i + 1, true
		}
	}
	return "", len(s), false
}

func skipBlank(s string) string { return strings.TrimLeft(s, " \t\r\n") }
