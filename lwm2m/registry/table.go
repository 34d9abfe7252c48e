package registry

import (
	_ "embed" // the tables
	"strconv"
	"strings"

	"heddle.example/lwm2m"
)

// table.txt is generated from the OMA registry by internal/gen, extra.txt is written by hand in the same form.
var (
	//go:embed table.txt
	builtin string
	//go:embed extra.txt
	extra string

	tables = [...]table{table(builtin), table(extra)}
)

// table is the compact text of many definitions, by id and version: a line "O id version lwm2m-version flags name [urn]"
// for an object and a line "id operations flags kind name range units" for each of its resources, columns separated by
// tabs. Flags are "*" for multiple and "!" for mandatory. A place in it is the offset of an O line; len is the end.
type table string

// next returns the place of the object behind the one at.
func (t table) next(at int) int {
	if i := strings.Index(string(t[at:]), "\nO\t"); i >= 0 {
		return at + i + 1
	}
	return len(t)
}

// search returns the place of the first object that is not before k. It halves the text itself, which needs no index.
func (t table) search(k key) int {
	low, high := 0, len(t) // the place lies in [low, high]; both are places
	for low < high {
		mid := t.start((low + high) / 2)
		if t.keyAt(mid).compare(k) < 0 {
			low = t.next(mid)
		} else {
			high = mid
		}
	}
	return low
}

// start returns the place of the object that the offset lies in.
func (t table) start(offset int) int {
	return strings.LastIndex(string(t[:offset+1]), "\nO\t") + 1
}

// line cuts the line at an offset.
func (t table) line(at int) (line string, next int) {
	rest := string(t[at:])
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		return rest[:i], at + i + 1
	}
	return rest, len(t)
}

// column takes the first column off a line.
func column(line *string) string {
	col, rest, _ := strings.Cut(*line, "\t")
	*line = rest
	return col
}

func (t table) keyAt(at int) key {
	line, _ := t.line(at)
	column(&line)
	return keyOf(&line)
}

// keyOf reads the two columns behind the O. The tables are ours, and a test reads all of them.
func keyOf(line *string) key {
	id, _ := strconv.Atoi(column(line))
	v, _ := lwm2m.ParseVersion(column(line))
	return key{uint16(id), v}
}

// object reads the object at a place.
func (t table) object(at int) (o *Object, next int) {
	next = t.next(at)
	line, at := t.line(at)
	column(&line)
	k := keyOf(&line)
	o = &Object{ID: k.id, Version: k.version}
	o.LwM2MVersion, _ = lwm2m.ParseVersion(column(&line))
	o.Multiple, o.Mandatory = flags(column(&line))
	o.Name = column(&line)
	if o.URN = column(&line); o.URN == "" {
		o.URN = lwm2m.ObjectURN(o.ID, o.Version)
	}
	o.Resources = make([]Resource, 0, strings.Count(string(t[at:next]), "\n"))
	for at < next {
		line, at = t.line(at)
		var r Resource
		id, _ := strconv.Atoi(column(&line))
		r.ID = uint16(id)
		r.Operations, _ = lwm2m.ParseOperations(column(&line))
		r.Multiple, r.Mandatory = flags(column(&line))
		kind, _ := strconv.Atoi(column(&line))
		r.Kind = lwm2m.Kind(kind)
		r.Name = column(&line)
		r.Range = column(&line)
		r.Units = column(&line)
		o.Resources = append(o.Resources, r)
	}
	return o, next
}

func flags(s string) (multiple, mandatory bool) {
	return strings.Contains(s, "*"), strings.Contains(s, "!")
}
