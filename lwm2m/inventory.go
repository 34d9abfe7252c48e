package lwm2m

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rootResourceType marks the link to the alternate root path (6.2.1.3).
const rootResourceType = "oma.lwm2m"

// Inventory is what the payload of Register says about a client: where its objects are, which formats it speaks, and
// which objects and instances it has.
type Inventory struct {
	Root    string   // alternate root path, "" where there is none
	Formats []uint16 // content formats (ct) besides the version's mandatory ones
	Objects []InventoryObject
}

// InventoryObject is one object of an inventory.
type InventoryObject struct {
	ID        uint16
	Version   Version // zero: not said
	Instances []uint16
}

// ParseInventory reads the payload of Register or Update: </>;rt="oma.lwm2m";ct="60 110",</1/0>,</3>;ver=1.1,</3/0>.
// Links that are no object and no instance are passed over. What comes back keeps nothing of b.
func ParseInventory(b []byte) (Inventory, error) {
	doc := string(b)
	var scratch [32]Link
	links, err := parseLinks(scratch[:0], "", doc)
	if err != nil {
		return Inventory{}, err
	}
	var inv Inventory
	for i := range links {
		l := &links[i]
		isRoot := l.Has("rt", rootResourceType)
		if isRoot {
			inv.Root = strings.TrimRight(l.Target, "/")
		}
		// The formats stand at the root's link; some clients leave its rt out when the root is "/".
		if isRoot || l.Target == "/" {
			if ct, ok := l.Param("ct"); ok {
				if inv.Formats, err = parseFormats(ct); err != nil {
					return Inventory{}, err
				}
			}
		}
	}
	if strings.IndexByte(inv.Root, '<') >= 0 || strings.IndexByte(inv.Root, '?') >= 0 {
		return Inventory{}, fmt.Errorf("%w: root path %s", ErrLink, quoted(inv.Root))
	}
	for i := range links {
		l := &links[i]
		if inv.Root != "" {
			l.Path, l.IsPath = pathBelow(inv.Root, l.Target)
		}
		l.IsPath = l.IsPath && l.Path.Depth() >= 1 && l.Path.Depth() <= 2
	}
	links = slices.DeleteFunc(links, func(l Link) bool { return !l.IsPath })
	byPath := func(a, b Link) int { return a.Path.Compare(b.Path) }
	if !slices.IsSortedFunc(links, byPath) {
		slices.SortStableFunc(links, byPath)
	}
	inv.add(links)
	return inv, nil
}

// add takes in the sorted links of objects and instances.
func (inv *Inventory) add(links []Link) {
	objects, instances := 0, 0
	for i := range links {
		if i == 0 || links[i-1].Path.Object() != links[i].Path.Object() {
			objects++
		}
		if links[i].Path.Depth() == 2 {
			instances++
		}
	}
	inv.Objects = make([]InventoryObject, 0, objects)
	all := make([]uint16, 0, instances) // the instances of all objects, in one piece of memory
	for i := range links {
		l := &links[i]
		if i == 0 || links[i-1].Path.Object() != l.Path.Object() {
			inv.Objects = append(inv.Objects, InventoryObject{ID: l.Path.Object(), Instances: all[len(all):len(all):len(all)]})
		}
		o := &inv.Objects[len(inv.Objects)-1]
		if o.Version.IsZero() {
			o.Version = l.Version()
		}
		if n := len(o.Instances); l.Path.Depth() == 2 && (n == 0 || o.Instances[n-1] != l.Path.Instance()) {
			all = append(all, l.Path.Instance())
			o.Instances = all[len(all)-n-1 : len(all) : len(all)]
		}
	}
}

// parseFormats reads "60 110 112"; some devices separate with commas.
func parseFormats(s string) ([]uint16, error) {
	var formats []uint16
	for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		n, err := strconv.ParseUint(f, 10, 16)
		if err != nil || len(formats) == 32 {
			return nil, fmt.Errorf("%w: ct=%s", ErrLink, quoted(s))
		}
		formats = append(formats, uint16(n))
	}
	return formats, nil
}

// Object returns the object of an id, or nil.
func (inv *Inventory) Object(id uint16) *InventoryObject {
	i, ok := slices.BinarySearchFunc(inv.Objects, id, func(o InventoryObject, id uint16) int { return int(o.ID) - int(id) })
	if !ok {
		return nil
	}
	return &inv.Objects[i]
}

// Links returns the links of a Register payload. A root link stands first where it says something.
func (inv *Inventory) Links() []Link {
	var links []Link
	if inv.Root != "" || len(inv.Formats) > 0 {
		l := NewLink(inv.Root, Root).WithQuoted("rt", rootResourceType)
		if len(inv.Formats) > 0 {
			var ct []byte
			for i, f := range inv.Formats {
				if i > 0 {
					ct = append(ct, ' ')
				}
				ct = strconv.AppendUint(ct, uint64(f), 10)
			}
			l = l.WithQuoted("ct", string(ct))
		}
		links = append(links, l)
	}
	for _, o := range inv.Objects {
		l := NewLink(inv.Root, NewPath(o.ID))
		if !o.Version.IsZero() {
			links = append(links, l.With("ver", o.Version.String()))
		} else if len(o.Instances) == 0 {
			links = append(links, l)
		}
		for _, i := range o.Instances {
			links = append(links, NewLink(inv.Root, NewPath(o.ID, i)))
		}
	}
	return links
}

// Append appends a Register payload.
func (inv *Inventory) Append(dst []byte) []byte { return AppendLinks(dst, inv.Links()) }
