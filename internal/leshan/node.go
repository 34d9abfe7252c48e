package leshan

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"heddle.example/coap"
	"heddle.example/internal/api"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// typeName is Leshan's name of a type.
func typeName(k lwm2m.Kind) string {
	switch k {
	case lwm2m.Unsigned:
		return "UNSIGNED_INTEGER"
	case lwm2m.Objlink:
		return "OBJLNK"
	case lwm2m.Corelnk:
		return "CORELINK"
	case lwm2m.None:
		return "NONE"
	}
	return strings.ToUpper(k.String())
}

func parseType(s string) (lwm2m.Kind, bool) {
	for k := lwm2m.String; k <= lwm2m.Corelnk; k++ {
		if typeName(k) == strings.ToUpper(s) {
			return k, true
		}
	}
	return lwm2m.None, false
}

// node is an object, instance, resource or resource instance.
type node map[string]any

// value is a value as Leshan writes it: whole numbers and floats as texts, times in milliseconds.
func value(v lwm2m.Value) any {
	switch v.Kind() {
	case lwm2m.Boolean:
		b, _ := v.AsBool()
		return b
	case lwm2m.Float:
		f, _ := v.AsFloat()
		return javaDouble(f)
	case lwm2m.Opaque:
		return hex.EncodeToString([]byte(v.Raw()))
	case lwm2m.Time:
		n, _ := v.AsInt()
		return n * 1000
	case lwm2m.Objlink:
		o, i, _ := v.AsObjectLink()
		return map[string]any{"objectId": o, "objectInstanceId": i}
	}
	return string(v.AppendText(nil))
}

// javaDouble writes a float as Java's Double.toString: at least one decimal, exponents from 10^7 on and below 10^-3.
func javaDouble(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
	}
	if a := math.Abs(f); f == 0 || a >= 1e-3 && a < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}

// nodeOf makes the node at a path out of sorted entries. types says whether a resource is a multiple one where it has no
// instance.
func nodeOf(p lwm2m.Path, entries []lwm2m.Entry) node {
	n := node{"id": p.ID()}
	children := func(name, kind string) node {
		list := []node{}
		for len(entries) > 0 {
			if entries[0].Path.Depth() <= p.Depth() {
				entries = entries[1:]
				continue
			}
			child := entries[0].Path.Cut(p.Depth() + 1)
			end := 1
			for end < len(entries) && entries[end].Path.HasPrefix(child) {
				end++
			}
			list = append(list, nodeOf(child, entries[:end]))
			entries = entries[end:]
		}
		n["kind"], n[name] = kind, list
		return n
	}
	switch p.Depth() {
	case 0:
		children("objects", "root")
		delete(n, "id")
		return n
	case 1:
		return children("instances", "obj")
	case 2:
		return children("resources", "instance")
	}
	last := lwm2m.Entry{}
	if len(entries) > 0 {
		last = entries[len(entries)-1]
	}
	if p.Depth() == 4 || last.Path == p && !last.Value.IsNone() {
		n["kind"] = map[bool]string{true: "resourceInstance", false: "singleResource"}[p.Depth() == 4]
		n["type"], n["value"] = typeName(last.Value.Kind()), value(last.Value)
		return n
	}
	values := map[string]any{}
	n["type"] = "STRING"
	for _, e := range entries {
		if e.Path.Depth() == 4 {
			values[strconv.Itoa(int(e.Path.ID()))] = value(e.Value)
			n["type"] = typeName(e.Value.Kind())
		}
	}
	n["kind"], n["values"] = "multiResource", values
	return n
}

// codeName is a code as Leshan writes it: "CONTENT(205)".
func codeName(c coap.Code) string {
	return fmt.Sprintf("%s(%d%02d)", strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_").Replace(c.Name())), c.Class(), c.Detail())
}

// response is the answer to a request.
func (l *Leshan) response(out *server.Outcome) any {
	ok := out.Code.Class() == 2
	v := map[string]any{"status": codeName(out.Code), "valid": true, "success": ok, "failure": !ok}
	switch {
	case !ok:
		if len(out.Payload) > 0 {
			v["errormessage"] = strings.ToValidUTF8(string(out.Payload), "\ufffd")
		}
	case out.Op == server.Read || out.Op == server.Observe:
		v["content"] = nodeOf(out.Path, out.Entries)
	case out.Op == server.ReadComposite || out.Op == server.ObserveComposite:
		v["content"] = nodesOf(out.Paths, out.Entries)
	case out.Op == server.Discover:
		v["objectLinks"] = linksOf(out.Links)
	case out.Op == server.Create && out.Location.Depth() > 0:
		v["location"] = strings.TrimPrefix(out.Location.String(), "/")
	}
	return v
}

type link struct {
	URL        string            `json:"url"`
	Attributes map[string]string `json:"attributes"`
}

func linksOf(list []lwm2m.Link) []link {
	out := make([]link, 0, len(list))
	for _, l := range list {
		v := link{l.Path.String(), map[string]string{}}
		for name, s := range l.Params() {
			v.Attributes[name] = s
		}
		out = append(out, v)
	}
	return out
}

// registration is a client as Leshan shows it.
type registration struct {
	Endpoint           string              `json:"endpoint"`
	RegistrationID     string              `json:"registrationId"`
	RegistrationDate   int64               `json:"registrationDate"`
	LastUpdate         int64               `json:"lastUpdate"`
	Address            string              `json:"address"`
	SMSNumber          string              `json:"smsNumber,omitempty"`
	Version            string              `json:"lwM2mVersion"`
	Lifetime           int64               `json:"lifetime"`
	BindingMode        string              `json:"bindingMode"`
	RootPath           string              `json:"rootPath"`
	ObjectLinks        []link              `json:"objectLinks"`
	Secure             bool                `json:"secure"`
	Additional         map[string]string   `json:"additionalRegistrationAttributes"`
	QueueMode          bool                `json:"queuemode"`
	AvailableInstances map[string][]uint16 `json:"availableInstances"`
	Sleeping           *bool               `json:"sleeping,omitempty"`
}

func (l *Leshan) registration(r *server.Registration, updated machine.Time, asleep bool) registration {
	v := registration{Endpoint: r.Endpoint, RegistrationID: r.ID.String(), RegistrationDate: int64(r.RegisteredAt) / 1e6, LastUpdate: int64(updated) / 1e6,
		Address: r.Path.Remote.Addr().Unmap().String() + ":" + strconv.Itoa(int(r.Path.Remote.Port())), SMSNumber: r.SMS, Version: r.Version.String(), Lifetime: int64(r.Lifetime.Seconds()),
		BindingMode: r.Binding.String(), RootPath: "/", ObjectLinks: linksOf(r.Links()), Secure: r.Path.Security != nil, Additional: map[string]string{}, QueueMode: r.Queue, AvailableInstances: map[string][]uint16{}}
	if root := r.Objects.Root(); root != "" {
		v.RootPath = root
	}
	for p := range strings.SplitSeq(r.Params, "&") {
		if k, s, _ := strings.Cut(p, "="); k != "" {
			v.Additional[k] = s
		}
	}
	for _, o := range r.Objects.Inventory().Objects {
		if len(o.Instances) > 0 {
			v.AvailableInstances[strconv.Itoa(int(o.ID))] = slices.Clone(o.Instances)
		}
	}
	if r.Queue {
		v.Sleeping = &asleep
	}
	return v
}

// body reads what to write: a node in JSON, or a text.
func (l *Leshan) body(w http.ResponseWriter, r *http.Request, p lwm2m.Path) ([]lwm2m.Entry, error) {
	b, err := api.ReadBody(w, r)
	if err != nil {
		return nil, fmt.Errorf("Invalid request: %v", err)
	}
	switch ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct {
	case "application/json":
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		var n inNode
		if err := dec.Decode(&n); err != nil {
			return nil, fmt.Errorf("Invalid request: unable to parse json to tlv:%v", err)
		}
		entries, err := n.entries(nil, p, 0)
		if err != nil {
			return nil, fmt.Errorf("Invalid request: %v", err)
		}
		lwm2m.Sort(entries)
		return entries, nil
	case "text/plain":
		return []lwm2m.Entry{{Path: p, Value: lwm2m.Str(string(b))}}, nil
	default:
		return nil, fmt.Errorf("Invalid request: content type %s not supported", r.Header.Get("Content-Type"))
	}
}

// inNode is a node that comes in.
type inNode struct {
	ID        *uint16        `json:"id"`
	Kind      string         `json:"kind"`
	Type      string         `json:"type"`
	Value     any            `json:"value"`
	Values    map[string]any `json:"values"`
	Resources []inNode       `json:"resources"`
	Instances []inNode       `json:"instances"`
}

var errMany = errors.New("more than 2000 values")

// entries puts a node at a path. The node's own id counts below the path of the request only.
func (n *inNode) entries(entries []lwm2m.Entry, p lwm2m.Path, level int) ([]lwm2m.Entry, error) {
	if level > 4 || len(entries) > 2000 {
		return nil, errMany
	}
	below := func(list []inNode) (out []lwm2m.Entry, err error) {
		for i := range list {
			if list[i].ID == nil || *list[i].ID == lwm2m.NoID {
				return nil, errors.New("Missing id")
			}
			if entries, err = list[i].entries(entries, p.Child(*list[i].ID), level+1); err != nil {
				return nil, err
			}
		}
		return entries, nil
	}
	switch {
	case n.Kind == "obj" || n.Instances != nil:
		return below(n.Instances)
	case n.Kind == "instance" || n.Resources != nil:
		if p.Depth() == 1 { // Create: the instance's own id, or none
			id := lwm2m.NoID
			if n.ID != nil {
				id = *n.ID
			}
			p = p.Child(id)
		}
		return below(n.Resources)
	case n.Kind == "multiResource" || n.Values != nil:
		for k, x := range n.Values {
			id, err := strconv.ParseUint(k, 10, 16)
			if err != nil {
				return nil, fmt.Errorf("%q is not an instance id", k)
			}
			v, err := parseValue(n.Type, x)
			if err != nil {
				return nil, err
			}
			entries = append(entries, lwm2m.Entry{Path: p.Child(uint16(id)), Value: v})
		}
		return entries, nil
	case n.Value != nil:
		v, err := parseValue(n.Type, n.Value)
		return append(entries, lwm2m.Entry{Path: p, Value: v}), err
	}
	return nil, errors.New("Invalid node element")
}

func parseValue(typ string, x any) (v lwm2m.Value, err error) {
	kind, ok := parseType(typ)
	if !ok {
		return v, fmt.Errorf("%q is not a type", typ)
	}
	bad := fmt.Errorf("%v is not a valid %s", x, kind)
	s, isText := x.(string)
	number, isNumber := x.(json.Number)
	switch {
	case kind == lwm2m.Boolean:
		b, ok := x.(bool)
		if !ok {
			return v, bad
		}
		return lwm2m.Bool(b), nil
	case kind == lwm2m.Objlink:
		m, _ := x.(map[string]any)
		s = fmt.Sprintf("%v:%v", m["objectId"], m["objectInstanceId"])
	case kind == lwm2m.Opaque && isText:
		b, err := hex.DecodeString(s)
		if err != nil {
			return v, bad
		}
		return lwm2m.Bytes(b), nil
	case kind == lwm2m.Time && isNumber:
		ms, err := number.Int64()
		if err != nil {
			return v, bad
		}
		return lwm2m.TimeValue(ms / 1000), nil
	case (kind == lwm2m.Integer || kind == lwm2m.Unsigned || kind == lwm2m.Float) && isNumber:
		s = number.String()
	case isText && kind != lwm2m.Time:
	default:
		return v, bad
	}
	if v, err = lwm2m.ParseText(kind, s); err != nil {
		return v, bad
	}
	return v, nil
}
