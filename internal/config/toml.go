package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/spf13/pflag"
)

// setting is one key of the file, as the text that a flag takes.
type setting struct {
	values []string
	list   bool
	line   int
}

func (s setting) set(f *pflag.Flag) error {
	if sv, ok := f.Value.(pflag.SliceValue); ok {
		return sv.Replace(s.values)
	}
	if s.list {
		return errors.New("takes one value, not a list")
	}
	return f.Value.Set(s.values[0])
}

// parse returns the settings of o.Section. The whole file is checked, so that a mistake in another table shows early too.
func parse(name string, b []byte, o Options) (map[string]setting, error) {
	var all map[string]any
	if err := toml.Unmarshal(b, &all); err != nil {
		var de *toml.DecodeError
		if errors.As(err, &de) {
			line, column := de.Position()
			return nil, fmt.Errorf("%s:%d:%d: not valid TOML: %s", name, line, column, strings.TrimPrefix(de.Error(), "toml: "))
		}
		return nil, fmt.Errorf("%s: not valid TOML: %w", name, err)
	}
	settings := map[string]setting{}
	table := ""
	p := unstable.Parser{}
	p.Reset(b)
	for p.NextExpression() {
		e := p.Expression()
		key, line := keyOf(e, b)
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = key
			if e.Kind == unstable.ArrayTable || !slices.Contains(o.Sections, key) {
				return nil, fmt.Errorf("%s:%d: no table [%s]; there are [%s]", name, line, key, strings.Join(o.Sections, "], ["))
			}
		case unstable.KeyValue:
			if table == "" {
				return nil, fmt.Errorf("%s:%d: %s stands outside a table; put it under [%s]", name, line, key, o.Section)
			}
			if table != o.Section {
				continue
			}
			s := setting{line: line}
			v := e.Value()
			switch v.Kind {
			case unstable.Array:
				s.list = true
				it := v.Children()
				for it.Next() {
					text, ok := scalar(it.Node())
					if !ok {
						return nil, fmt.Errorf("%s:%d: %s: a list of texts or numbers is wanted", name, line, key)
					}
					s.values = append(s.values, text)
				}
			default:
				text, ok := scalar(v)
				if !ok {
					return nil, fmt.Errorf("%s:%d: %s: a text, number, true or false, or a list of them is wanted", name, line, key)
				}
				s.values = []string{text}
			}
			settings[key] = s
		}
	}
	if err := p.Error(); err != nil {
		return nil, fmt.Errorf("%s: not valid TOML: %w", name, err)
	}
	return settings, nil
}

// keyOf returns the dotted key of an expression and its line.
func keyOf(e *unstable.Node, b []byte) (string, int) {
	var parts []string
	line := 0
	it := e.Key()
	for it.Next() {
		n := it.Node()
		if line == 0 {
			line = 1 + bytes.Count(b[:n.Raw.Offset], []byte{'\n'})
		}
		parts = append(parts, string(n.Data))
	}
	return strings.Join(parts, "."), line
}

func scalar(n *unstable.Node) (string, bool) {
	switch n.Kind {
	case unstable.String, unstable.Bool:
		return string(n.Data), true
	case unstable.Integer, unstable.Float:
		return strings.ReplaceAll(string(n.Data), "_", ""), true
	}
	return "", false
}
