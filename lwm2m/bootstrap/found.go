package bootstrap

import (
	"bytes"
	"slices"

	"heddle.example/lwm2m"
)

// Found is what a device said of itself in its answer to Discover.
type Found struct {
	Known    bool // it answered, and the answer could be read
	Version  lwm2m.Version
	Security []Instance // of the Security object
	Server   []Instance // of the Server object
	Links    []lwm2m.Link
}

// Instance is an instance of object 0 or 1. Short is its server's Short Server ID, 0 where none is said.
type Instance struct{ ID, Short uint16 }

// ParseFound reads the answer to "Discover /" (section 6.1.7.4): </>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</1/0>;ssid=101.
// Version 1.0 had lwm2m="1.0" without a link in front, which is no link format, and some devices keep it.
func ParseFound(b []byte) (Found, error) {
	f := Found{Version: lwm2m.V1_0}
	b = bytes.TrimLeft(b, " ;")
	if bytes.HasPrefix(b, []byte("lwm2m=")) {
		i := bytes.IndexByte(b, ',')
		if i < 0 {
			i = len(b)
		}
		f.version(string(bytes.Trim(b[len("lwm2m="):i], `" `)))
		b = b[min(i+1, len(b)):]
	}
	links, err := lwm2m.ParseLinks(nil, "", b)
	if err != nil {
		return Found{}, err
	}
	f.Known, f.Links = true, links
	for _, l := range links {
		if v, ok := l.Param("lwm2m"); ok {
			f.version(v)
		}
		if !l.IsPath || l.Path.Depth() != 2 {
			continue
		}
		in := Instance{ID: l.Path.Instance()}
		if n := l.ShortServerID(); n > 0 && n < int(lwm2m.NoID) {
			in.Short = uint16(n)
		}
		switch l.Path.Object() {
		case securityObject:
			f.Security = append(f.Security, in)
		case serverObject:
			f.Server = append(f.Server, in)
		}
	}
	return f, nil
}

func (f *Found) version(s string) {
	if v, err := lwm2m.ParseVersion(s); err == nil {
		f.Version = v
	}
}

// Own returns the instances of the Security object that are, or may be, the device's account of the bootstrap server:
// those without a Short Server ID (section 6.1.7.4). A device that did not answer is taken to have it at instance 0,
// where devices come with it.
func (f *Found) Own() []uint16 {
	if !f.Known {
		return []uint16{0}
	}
	var own []uint16
	for _, in := range f.Security {
		if in.Short == 0 {
			own = append(own, in.ID)
		}
	}
	return own
}

// account returns the one instance that is the device's account of the bootstrap server, if it is sure which.
func (f *Found) account() (uint16, bool) {
	own := f.Own()
	if !f.Known || len(own) != 1 {
		return 0, false
	}
	return own[0], true
}

// of returns the instance that belongs to a Short Server ID.
func of(list []Instance, short uint16) (uint16, bool) {
	i := slices.IndexFunc(list, func(in Instance) bool { return in.Short == short })
	if i < 0 {
		return 0, false
	}
	return list[i].ID, true
}
