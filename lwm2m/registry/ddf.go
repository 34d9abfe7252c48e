package registry

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"heddle.example/lwm2m"
)

// ErrDDF is wrapped by every error about a definition file.
var ErrDDF = errors.New("lwm2m/registry: bad object definition")

// Limits of a definition file.
const (
	MaxDDF          = 1 << 20 // bytes
	maxDDFObjects   = 64
	maxDDFResources = 2048
	maxDDFText      = 256 // bytes of a name or range
)

// ddf is the document of the OMA's LWM2M.xsd, the parts that we use.
type ddf struct {
	XMLName xml.Name    `xml:"LWM2M"`
	Objects []ddfObject `xml:"Object"`
}

type ddfObject struct {
	Name         string    `xml:"Name"`
	ID           string    `xml:"ObjectID"`
	URN          string    `xml:"ObjectURN"`
	LwM2MVersion string    `xml:"LWM2MVersion"`
	Version      string    `xml:"ObjectVersion"`
	Instances    string    `xml:"MultipleInstances"`
	Mandatory    string    `xml:"Mandatory"`
	Items        []ddfItem `xml:"Resources>Item"`
}

type ddfItem struct {
	ID         string `xml:"ID,attr"`
	Name       string `xml:"Name"`
	Operations string `xml:"Operations"`
	Instances  string `xml:"MultipleInstances"`
	Mandatory  string `xml:"Mandatory"`
	Type       string `xml:"Type"`
	Range      string `xml:"RangeEnumeration"`
	Units      string `xml:"Units"`
}

// With returns the registry with the definitions of a DDF file, and these.
func (r *Registry) With(file []byte) (*Registry, []*Object, error) {
	objects, err := ParseDDF(file)
	if err != nil {
		return r, nil, err
	}
	for _, o := range objects {
		r = r.WithObject(o)
	}
	return r, objects, nil
}

// ends reports whether nothing but white space and comments is left; a file ends with a line feed more often than not.
func ends(d *xml.Decoder) bool {
	for {
		switch token, err := d.Token(); t := token.(type) {
		case xml.Comment:
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return false
			}
		default:
			return err == io.EOF
		}
	}
}

// ParseDDF reads the object definitions of a DDF file (XML). Errors say which object and resource they are about.
func ParseDDF(file []byte) ([]*Object, error) {
	if len(file) > MaxDDF {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrDDF, MaxDDF)
	}
	var doc ddf
	d := xml.NewDecoder(bytes.NewReader(file))
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDDF, err)
	}
	if !ends(d) {
		return nil, fmt.Errorf("%w: something stands behind </LWM2M>", ErrDDF)
	}
	if len(doc.Objects) == 0 || len(doc.Objects) > maxDDFObjects {
		return nil, fmt.Errorf("%w: %d objects; want 1 to %d", ErrDDF, len(doc.Objects), maxDDFObjects)
	}
	var objects []*Object
	for i := range doc.Objects {
		o, err := doc.Objects[i].object()
		if err != nil {
			return nil, fmt.Errorf("%w: object %.64q: %w", ErrDDF, strings.TrimSpace(doc.Objects[i].ID), err)
		}
		if slices.ContainsFunc(objects, func(p *Object) bool { return p.key() == o.key() }) {
			return nil, fmt.Errorf("%w: object %d %v stands there twice", ErrDDF, o.ID, o.Version)
		}
		objects = append(objects, o)
	}
	return objects, nil
}

func (d *ddfObject) object() (*Object, error) {
	id, err := identifier("ObjectID", d.ID)
	if err != nil {
		return nil, err
	}
	o := &Object{ID: id, Version: lwm2m.V1_0, LwM2MVersion: lwm2m.V1_0, Added: true}
	for _, v := range []struct {
		name, text string
		to         *lwm2m.Version
	}{{"ObjectVersion", d.Version, &o.Version}, {"LWM2MVersion", d.LwM2MVersion, &o.LwM2MVersion}} {
		if text := strings.TrimSpace(v.text); text != "" {
			if *v.to, err = lwm2m.ParseVersion(text); err != nil || v.to.IsZero() {
				return nil, fmt.Errorf("%s is %.32q; want something like 1.0", v.name, text)
			}
		}
	}
	if o.Name, err = text("Name", d.Name); err != nil || o.Name == "" {
		return nil, errors.Join(err, missing("Name", o.Name))
	}
	if o.URN, err = text("ObjectURN", d.URN); err != nil {
		return nil, err
	}
	if o.URN == "" {
		o.URN = lwm2m.ObjectURN(o.ID, o.Version)
	}
	if o.Multiple, err = either("MultipleInstances", d.Instances, "Multiple", "Single"); err != nil {
		return nil, err
	}
	if o.Mandatory, err = either("Mandatory", d.Mandatory, "Mandatory", "Optional"); err != nil {
		return nil, err
	}
	if len(d.Items) > maxDDFResources {
		return nil, fmt.Errorf("more than %d resources", maxDDFResources)
	}
	for i := range d.Items {
		res, err := d.Items[i].resource()
		if err != nil {
			return nil, fmt.Errorf("resource %.64q: %w", d.Items[i].ID, err)
		}
		o.Resources = append(o.Resources, res)
	}
	slices.SortFunc(o.Resources, func(a, b Resource) int { return int(a.ID) - int(b.ID) })
	for i := 1; i < len(o.Resources); i++ {
		if o.Resources[i].ID == o.Resources[i-1].ID {
			return nil, fmt.Errorf("resource %d stands there twice", o.Resources[i].ID)
		}
	}
	return o, nil
}

func (d *ddfItem) resource() (r Resource, err error) {
	if r.ID, err = identifier("ID", d.ID); err != nil {
		return r, err
	}
	if r.Name, err = text("Name", d.Name); err != nil || r.Name == "" {
		return r, errors.Join(err, missing("Name", r.Name))
	}
	var ok bool
	if r.Operations, ok = lwm2m.ParseOperations(strings.TrimSpace(d.Operations)); !ok {
		return r, fmt.Errorf("Operations is %.32q; want R, W, RW, E or nothing", d.Operations)
	}
	if r.Multiple, err = either("MultipleInstances", d.Instances, "Multiple", "Single"); err != nil {
		return r, err
	}
	if r.Mandatory, err = either("Mandatory", d.Mandatory, "Mandatory", "Optional"); err != nil {
		return r, err
	}
	if r.Kind, ok = lwm2m.ParseKind(strings.TrimSpace(d.Type)); !ok {
		return r, fmt.Errorf("Type is %.32q; want String, Integer, Unsigned Integer, Float, Boolean, Opaque, Time, Objlnk, Corelnk or nothing", d.Type)
	}
	if r.Kind == lwm2m.None && r.Operations&(lwm2m.Read|lwm2m.Write) != 0 {
		return r, errors.New("Type is missing, and the resource can be read or written")
	}
	if r.Range, err = text("RangeEnumeration", d.Range); err != nil {
		r.Range, err = "", nil // prose: limits nothing
	}
	r.Units, err = text("Units", d.Units)
	return r, err
}

func identifier(name, s string) (uint16, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
	if err != nil || n == uint64(lwm2m.NoID) {
		return 0, fmt.Errorf("%s is %.32q; want a number from 0 to 65534", name, s)
	}
	return uint16(n), nil
}

// text brings a text onto one line, which names, ranges and units have.
func text(name, s string) (string, error) {
	if s = strings.Join(strings.Fields(s), " "); len(s) > maxDDFText {
		return "", fmt.Errorf("%s has more than %d bytes", name, maxDDFText)
	}
	return s, nil
}

func missing(name, s string) error {
	if s == "" {
		return fmt.Errorf("%s is missing", name)
	}
	return nil
}

func either(name, s, yes, no string) (bool, error) {
	switch strings.TrimSpace(s) {
	case yes:
		return true, nil
	case no, "":
		return false, nil
	}
	return false, fmt.Errorf("%s is %.32q; want %s or %s", name, s, yes, no)
}
