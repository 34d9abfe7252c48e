// Command gen turns a list of object definitions (tab-separated: rows O and R, see the comment lines at its head) into
// the compact table that package registry embeds.
//
//	go run ./internal/gen objects.tsv > table.txt
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"heddle.example/lwm2m"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen OBJECTS.tsv > table.txt")
		os.Exit(2)
	}
	in, err := os.Open(os.Args[1])
	if err == nil {
		err = generate(os.Stdout, in)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// object is a row O with the rows R under it.
type object struct {
	id        uint16
	version   lwm2m.Version
	head      string
	resources []resource
}

type resource struct {
	id   uint16
	line string
}

// generate writes the table: for each object a line "O id version lwm2m-version flags name [urn]" and a line a resource
// "id operations flags kind name range units", sorted, columns separated by tabs, empty columns at the end left out.
// Flags are "*" for multiple and "!" for mandatory; the URN stands there only where it is not the usual one.
func generate(w io.Writer, r io.Reader) error {
	var objects []object
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(lines.Text(), "#") || lines.Text() == "" {
			continue
		}
		col := strings.Split(lines.Text(), "\t")
		col = append(col, make([]string, 9)...)
		for i := range col {
			col[i] = strings.Join(strings.Fields(col[i]), " ")
		}
		var err error
		switch col[0] {
		case "O":
			var o object
			o, err = objectRow(col)
			objects = append(objects, o)
		case "R":
			if len(objects) == 0 {
				err = fmt.Errorf("a resource before the first object")
				break
			}
			var res resource
			res, err = resourceRow(col)
			o := &objects[len(objects)-1]
			o.resources = append(o.resources, res)
		default:
			err = fmt.Errorf("row %q", col[0])
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	slices.SortStableFunc(objects, func(a, b object) int {
		if a.id != b.id {
			return int(a.id) - int(b.id)
		}
		return a.version.Compare(b.version)
	})
	out := bufio.NewWriter(w)
	for i, o := range objects {
		if i > 0 && objects[i-1].id == o.id && objects[i-1].version == o.version {
			return fmt.Errorf("object %d %v twice", o.id, o.version)
		}
		slices.SortStableFunc(o.resources, func(a, b resource) int { return int(a.id) - int(b.id) })
		fmt.Fprintln(out, o.head)
		for _, res := range o.resources {
			fmt.Fprintln(out, res.line)
		}
	}
	return out.Flush()
}

func objectRow(col []string) (object, error) {
	id, err := strconv.ParseUint(col[1], 10, 16)
	if err != nil {
		return object{}, err
	}
	version, err := lwm2m.ParseVersion(col[2])
	if err != nil {
		return object{}, err
	}
	enabler, err := lwm2m.ParseVersion(col[5])
	if err != nil {
		return object{}, err
	}
	urn := col[4]
	if urn == lwm2m.ObjectURN(uint16(id), version) {
		urn = ""
	}
	head := row("O", col[1], version.String(), enabler.String(), flags(col[6], col[7]), col[3], urn)
	return object{id: uint16(id), version: version, head: head}, nil
}

func resourceRow(col []string) (resource, error) {
	id, err := strconv.ParseUint(col[1], 10, 16)
	if err != nil {
		return resource{}, err
	}
	if _, ok := lwm2m.ParseOperations(col[3]); !ok {
		return resource{}, fmt.Errorf("operations %q", col[3])
	}
	kind, ok := lwm2m.ParseKind(col[6])
	if !ok {
		return resource{}, fmt.Errorf("type %q", col[6])
	}
	line := row(col[1], col[3], flags(col[4], col[5]), strconv.Itoa(int(kind)), col[2], col[7], col[8])
	return resource{id: uint16(id), line: line}, nil
}

func flags(instances, mandatory string) (s string) {
	if instances == "Multiple" {
		s = "*"
	}
	if mandatory == "Mandatory" {
		s += "!"
	}
	return s
}

func row(col ...string) string { return strings.TrimRight(strings.Join(col, "\t"), "\t") }
