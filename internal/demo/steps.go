package demo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"heddle.example/internal/api"
	"heddle.example/internal/fleet"
	"heddle.example/internal/web"
)

// steps is the main job, in the order of a person's day.
func (c *checker) steps() []step {
	return []step{
		{"the page is there", c.page},
		{"without logging in nothing is shown", func() (string, error) { return refused(c.call("GET", "/api/v1/clients", nil, nil), 401) }},
		{"log in with the one-time link", c.enter},
		{"the link works once", func() (string, error) {
			return refused(c.call("POST", "/api/v1/session/link", map[string]string{"token": c.token()}, nil), 401)
		}},
		{"all devices register, with their padlocks", c.all},
		{"read a resource", c.read},
		{"read an object instance, by DTLS and plain", c.readInstances},
		{"write and read back", c.write},
		{"a value out of range is refused before it is sent", func() (string, error) {
			return refused(c.call("PUT", "/api/v1/clients/node-31024/objects/31024/10/1", map[string]int{"value": 256}, nil), 422)
		}},
		{"observe: a new value arrives by itself", c.observe},
		{"execute", func() (string, error) {
			r, err := c.operate("POST", "temp-attic/objects/3303/0/5605/execute", nil, "2.04")
			return summary(r), err
		}},
		{"create an instance and delete it", c.create},
		{"a write for a sleeping device is kept, and arrives when it wakes", c.sleep},
		{"write attributes and discover them", c.attributes},
		{"a device refuses: its code is shown", func() (string, error) {
			r, err := c.operate("GET", "temp-attic/objects/9999", nil, "4.04")
			return summary(r), err
		}},
		{"a device with a wrong key is refused, and the reason shown", c.wrongKey},
		{"add credentials: the device appears with its padlock", c.ownDevice},
		{"another endpoint cannot have its identity", c.conflict},
		{"delete the credentials: the device is gone", c.removeDevice},
		{"bootstrap: a device that knows its bootstrap server only is read", c.bootstrapDevice},
		{"firmware: a light fetches a new version, another is sent it", c.updateFirmware},
		{"API token with scope read", c.apiToken},
	}
}

func summary(r *api.OperationResult) string {
	if r == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Endpoint, r.Path, r.Code, r.CodeName))
}

func (c *checker) token() string {
	_, token, _ := strings.Cut(c.link, "#/enter/")
	return token
}

func (c *checker) page() (string, error) {
	var html string
	if err := c.call("GET", "/", nil, &html); err != nil {
		return "", err
	}
	if !strings.Contains(html, "<html") {
		return "", errors.New("the answer is no page")
	}
	if !web.Built() {
		return "the web app is not built in; the page says how to build it", nil
	}
	return c.base, nil
}

func (c *checker) enter() (string, error) {
	var s api.Session
	if err := c.call("POST", "/api/v1/session/link", map[string]string{"token": c.token()}, &s); err != nil {
		return "", err
	}
	if s.Role != "admin" {
		return "", fmt.Errorf("role %q", s.Role)
	}
	return s.Role, nil
}

func (c *checker) all() (string, error) {
	return c.waitFor(func() (string, error) {
		var p api.ClientPage
		if err := c.call("GET", "/api/v1/clients", nil, &p); err != nil {
			return "", err
		}
		cid := 0
		for _, r := range p.Items {
			if r.Security.CID {
				cid++
			}
		}
		note := fmt.Sprintf("%d devices, %d with DTLS and connection ID, %d plain", p.Total, cid, p.Counts.Insecure)
		if p.Total < Count() || cid == 0 || cid+p.Counts.Insecure < Count() {
			return "", errors.New(note)
		}
		return note, nil
	})
}

func (c *checker) read() (string, error) {
	r, err := c.operate("GET", "temp-attic/objects/3/0/0?timeout=3", nil, "2.05")
	if err != nil {
		return "", err
	}
	if r.Value != "Heddle" {
		return "", fmt.Errorf("manufacturer %v", r.Value)
	}
	return fmt.Sprintf("%s = %v", r.Path, r.Value), nil
}

func (c *checker) readInstances() (string, error) {
	n := 0
	for _, path := range []string{"climate-study/objects/3303/0", "plain-temp-1/objects/3/0", "old-lamp/objects/3311"} {
		r, err := c.operate("GET", path, nil, "2.05")
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		if len(r.Entries) < 2 {
			return "", fmt.Errorf("%s has %d values", path, len(r.Entries))
		}
		n += len(r.Entries)
	}
	return fmt.Sprintf("%d values", n), nil
}

func (c *checker) write() (string, error) {
	const path = "node-31024/objects/31024/10/1"
	if _, err := c.operate("PUT", path, map[string]int{"value": 42}, "2.04"); err != nil {
		return "", err
	}
	r, err := c.operate("GET", path, nil, "2.05")
	if err != nil {
		return "", err
	}
	if r.Value != 42.0 {
		return "", fmt.Errorf("read back %v", r.Value)
	}
	return "/31024/10/1 = 42", nil
}

func (c *checker) observe() (string, error) {
	const device, path = "temp-kitchen", "/3303/0/5700"
	e, err := c.follow("endpoint=" + device)
	if err != nil {
		return "", err
	}
	// At least once a second: nobody wants to wait until the kitchen gets warmer.
	if _, err := c.operate("PUT", device+"/attributes"+path, map[string]any{"pmin": 0, "pmax": 1}, "2.04"); err != nil {
		return "", err
	}
	var o fleet.ObservationView
	if err := c.call("POST", "/api/v1/clients/"+device+"/observations", map[string]string{"path": path}, &o); err != nil {
		return "", err
	}
	data, err := e.wait("value", `"notify"`)
	if err != nil {
		return "", err
	}
	if _, err := e.wait("message", path); err != nil {
		return "", err
	}
	return data, c.call("DELETE", "/api/v1/clients/"+device+"/observations/"+o.ID, nil, nil)
}

func (c *checker) create() (string, error) {
	r, err := c.operate("POST", "node-31024/objects/31024", map[string]any{"instance": 13, "resources": map[string]any{"1": 5}}, "2.01")
	if err != nil {
		return "", err
	}
	if r.Location != "/31024/13" {
		return "", fmt.Errorf("location %q", r.Location)
	}
	_, err = c.operate("DELETE", "node-31024/objects/31024/13", nil, "2.02")
	return r.Location, err
}

func (c *checker) attributes() (string, error) {
	if _, err := c.operate("PUT", "temp-hall/attributes/3303/0/5700", map[string]any{"pmin": 1, "pmax": 30}, "2.04"); err != nil {
		return "", err
	}
	r, err := c.operate("GET", "temp-hall/discover/3303/0", nil, "2.05")
	if err != nil {
		return "", err
	}
	for _, l := range r.Links {
		if l.Path == "/3303/0/5700" && l.Attributes["pmin"] == "1" && l.Attributes["pmax"] == "30" {
			return "pmin=1 pmax=30", nil
		}
	}
	return "", fmt.Errorf("the links do not show them: %v", r.Links)
}

// guestFamily is the device that the check adds, as a user adds one of one's own.
var guestFamily = family{kinds: []uint16{3303}, model: "Guest", secure: true, lifetime: 5 * time.Minute}

func (c *checker) putGuest(endpoint string) error {
	return c.call("PUT", "/api/v1/credentials/"+endpoint, map[string]string{"mode": "psk", "identity": c.guest.identity, "key": hex.EncodeToString(c.guest.key)}, nil)
}

func (c *checker) wrongKey() (string, error) {
	var g struct{ Identity, Key string }
	if err := c.call("POST", "/api/v1/credentials/generate", nil, &g); err != nil {
		return "", err
	}
	key, err := hex.DecodeString(g.Key)
	if err != nil {
		return "", err
	}
	c.guest = spec{name: "check-guest", family: &guestFamily, identity: g.Identity, key: key}
	if err := c.putGuest(c.guest.name); err != nil {
		return "", err
	}
	wrong := c.guest
	wrong.key = append([]byte{^key[0]}, key[1:]...)
	dev, err := c.d.start(&wrong)
	if err != nil {
		return "", err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		dev.Kill(ctx)
	}()
	return c.waitFor(func() (string, error) {
		var cr api.Credential
		if err := c.call("GET", "/api/v1/credentials/"+c.guest.name, nil, &cr); err != nil {
			return "", err
		}
		if cr.State != "refused" || cr.LastRefusal == nil {
			return "", fmt.Errorf("state %q", cr.State)
		}
		return cr.LastRefusal.Reason, nil
	})
}

func (c *checker) ownDevice() (string, error) {
	e, err := c.follow("kinds=registered,deregistered")
	if err != nil {
		return "", err
	}
	c.events = e
	dev, err := c.d.start(&c.guest)
	if err != nil {
		return "", err
	}
	c.kill(dev)
	data, err := e.wait("registered", c.guest.name)
	if err != nil {
		return "", err
	}
	if !strings.Contains(data, `"mode":"psk"`) {
		return "", errors.New("registered without its padlock")
	}
	r, err := c.operate("GET", c.guest.name+"/objects/3303/0/5700", nil, "2.05")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %s = %v", c.guest.name, r.Path, r.Value), nil
}

// kill ends a device when the check is over.
func (c *checker) kill(dev running) {
	c.stops = append(c.stops, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		dev.Kill(ctx)
	})
}

func (c *checker) conflict() (string, error) { return refused(c.putGuest("check-thief"), 409) }

func (c *checker) removeDevice() (string, error) {
	if err := c.call("DELETE", "/api/v1/credentials/"+c.guest.name, nil, nil); err != nil {
		return "", err
	}
	if _, err := c.events.wait("deregistered", c.guest.name); err != nil {
		return "", err
	}
	return refused(c.call("GET", "/api/v1/clients/"+c.guest.name+"/objects/3/0/0", nil, nil), 404)
}

func (c *checker) apiToken() (string, error) {
	var t api.Token
	if err := c.call("POST", "/api/v1/tokens", map[string]string{"name": "demo check", "scope": "read"}, &t); err != nil {
		return "", err
	}
	return t.ID, c.call("DELETE", "/api/v1/tokens/"+t.ID, nil, nil)
}
