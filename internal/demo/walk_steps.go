package demo

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"heddle.example/internal/api"
	"heddle.example/internal/fleet"
)

// The names of the prompts.
const (
	atLeader = "node 1"
	atBorder = "node 2"
	atDevice = "node 3"
)

// walkPSKd is what stands on the label of the device that joins; walkName is what it calls itself at the server.
const (
	walkPSKd = "J01NME"
	walkName = "demo"
)

// walkSteps are the rows of the walk through the system, in order.
func walkSteps() []walkStep {
	return []walkStep{
		{"form a network", "a node's prompt", (*walker).form},
		{"a border router joins it", "one command", (*walker).borderRouter},
		{"commission a device", "a node's prompt, and the device's", (*walker).commission},
		{"reach the local network", "the device's prompt", (*walker).pingLocal},
		{"reach IPv4, by address and by name", "the device's prompt", (*walker).pingIPv4},
		{"give the device its credentials", "page Security", (*walker).giveCredentials},
		{"start LwM2M without bootstrap", "the device's prompt", (*walker).start},
		{"look", "page Clients", (*walker).look},
		{"manage: read, write, observe, execute", "page of the client", (*walker).manage},
		{"stop", "the device's prompt", (*walker).stopClient},
		{"give the bootstrap server a configuration", "page Bootstrap", (*walker).giveConfiguration},
		{"start LwM2M with bootstrap", "the device's prompt", (*walker).startBootstrap},
		{"servers on one IPv6 address, without NAT64", "the device's prompt", (*walker).startLocal},
		{"without security", "the device's prompt", (*walker).startPlain},
		{"after a reset", "the device's prompt", (*walker).reset},
	}
}

func (w *walker) form() error {
	if err := w.lines(atLeader, "dataset init new", "dataset networkname Heddle-Walk", "dataset commit active", "ifconfig up", "thread start"); err != nil {
		return err
	}
	return w.alone(func() error { return w.until(atLeader, "state", "leader", 30*time.Second) })
}

// borderRouter hands the dataset over, as `heddle border-router --dataset` takes it, and waits for what the router
// publishes.
func (w *walker) borderRouter() error {
	out, err := w.typed(atLeader, "dataset active -x", "[0-9a-f]{100,}")
	if err != nil {
		return err
	}
	w.out.line("$ heddle border-router --dataset %s...", out[0][:16])
	err = w.lines(atBorder, "dataset set active "+out[0], "ifconfig up", "thread start")
	if err == nil {
		err = w.until(atBorder, "state", "child|router", 30*time.Second)
	}
	if err == nil {
		err = w.until(atLeader, "netdata show", `fd[0-9a-f:]+/64 p[a-z]*s \w+ [0-9a-f]{4}`, 30*time.Second)
	}
	if err == nil {
		_, err = w.typed(atBorder, "br state", "running")
	}
	if err == nil {
		err = w.until(atLeader, "netdata show", `64:ff9b:(:|[0-9a-f:]+)/96 sn \w+ [0-9a-f]{4}`, 30*time.Second)
	}
	return err
}

func (w *walker) commission() error {
	if _, err := w.typed(atLeader, "commissioner start", "Commissioner: petitioning"); err != nil {
		return err
	}
	if err := w.until(atLeader, "commissioner state", "active", 15*time.Second); err != nil {
		return err
	}
	out, err := w.typed(atDevice, "eui64", "[0-9a-f]{16}")
	if err != nil {
		return err
	}
	if _, err := w.typed(atLeader, "commissioner joiner add "+out[0]+" "+walkPSKd); err != nil {
		return err
	}
	if err := w.lines(atDevice, "ifconfig up", "joiner start "+walkPSKd); err != nil {
		return err
	}
	if err := w.alone(func() error { return w.prints(atDevice, 30*time.Second, "Join success") }); err != nil {
		return err
	}
	if err := w.lines(atDevice, "thread start"); err != nil {
		return err
	}
	if err := w.alone(func() error { return w.until(atDevice, "state", "child|router", 30*time.Second) }); err != nil {
		return err
	}
	// A router-eligible device waits for up to two minutes, so that not all ask at once. Nobody has to wait for that here.
	w.out.line("        (the mesh's clock runs thirty times as fast until it is a router)")
	return w.hurried(30, func() error { return w.until(atDevice, "state", "router", 60*time.Second) })
}

const echoed = `16 bytes from %s: icmp_seq=\d+ hlim=\d+ time=\d+ms`

func (w *walker) ping(what string, from string) error {
	_, err := w.typed(atDevice, "ping "+what, fmt.Sprintf(echoed, from), `1 packets transmitted, 1 packets received\. Packet loss = 0\.0%\. Round-trip min/avg/max = .*ms\.`)
	return err
}

func (w *walker) pingLocal() error { return w.ping(spelt(Server6), spelt(Server6)) }

func (w *walker) pingIPv4() error {
	for _, what := range []string{"64:ff9b::1.1.1.1", "1.1.1.1", EchoName} {
		if err := w.ping(what, `[0-9a-f:]+:101:101`); err != nil {
			return err
		}
	}
	return nil
}

// spelt writes an address as OpenThread does: all groups, without leading zeros.
func spelt(a netip.Addr) string {
	b := a.As16()
	groups := make([]string, 8)
	for i := range groups {
		groups[i] = fmt.Sprintf("%x", uint16(b[2*i])<<8|uint16(b[2*i+1]))
	}
	return strings.Join(groups, ":")
}

func (w *walker) giveCredentials() error {
	var g struct{ Identity, Key string }
	if err := w.call("POST", "/api/v1/credentials/generate", nil, &g); err != nil {
		return err
	}
	w.identity, w.key = g.Identity, g.Key
	if err := w.click("Security", "Add new client security configuration", "PUT", "/api/v1/credentials/"+walkName,
		map[string]string{"mode": "psk", "identity": w.identity, "key": w.key}, nil); err != nil {
		return err
	}
	var c api.Credential
	if err := w.call("GET", "/api/v1/credentials/"+walkName, nil, &c); err != nil {
		return err
	}
	_, err := refused(w.call("PUT", "/api/v1/credentials/another", map[string]string{"mode": "psk", "identity": w.identity, "key": w.key}, nil), 409)
	return err
}

// lwstart starts LwM2M and waits until it is ready.
func (w *walker) lwstart(states []string, args ...string) error {
	if err := w.starts(args...); err != nil {
		return err
	}
	return w.prints(atDevice, 30*time.Second, states...)
}

func (w *walker) starts(args ...string) error {
	t := w.terms[atDevice]
	line := strings.Join(append([]string{"lwstart"}, args...), " ")
	w.out.line("%s> %s", atDevice, hideKey(line))
	t.forget()
	if err := t.enter(w.ctx, line); err != nil {
		return err
	}
	_, err := t.read(w.ctx, commandTime, func(l string) bool { return l == fmt.Sprintf("LWM2M Client %q started on port 0", walkName) })
	return err
}

var keyArgument = regexp.MustCompile(`(-s )[0-9a-fA-F]+`)

// hideKey keeps a key off the screen of somebody who lets others look on.
func hideKey(line string) string { return keyArgument.ReplaceAllString(line, "${1}****") }

// at returns how a server is written: its host and, where the demo had to move, its port.
func (w *walker) at(host string, port, usual uint16) []string {
	args := []string{"-n", walkName, "-h", host}
	if port != usual {
		args = append(args, "-p", fmt.Sprint(port))
	}
	return args
}

var (
	toReady     = []string{" -> State: STATE_REGISTERING", " -> State: STATE_READY"}
	toBootstrap = append([]string{" -> State: STATE_BOOTSTRAPPING", `\[BOOTSTRAP\] backup security and server objects`}, toReady...)
)

func (w *walker) start() error {
	return w.lwstart(toReady, append(w.at(ServerName, w.d.secure.Port(), 5684), "-i", w.identity, "-s", w.key)...)
}

// registered waits until the server has the device, and checks whether it has a padlock.
func (w *walker) registered(secure bool) error {
	_, err := w.waitFor(func() (string, error) {
		var c struct {
			Security struct{ Mode string }
		}
		if err := w.call("GET", "/api/v1/clients/"+walkName, nil, &c); err != nil {
			return "", err
		}
		if has := c.Security.Mode == "psk"; has != secure {
			return "", fmt.Errorf("its security is %q", c.Security.Mode)
		}
		return "", nil
	})
	return err
}

func (w *walker) look() error {
	var p api.ClientPage
	if err := w.click("Clients", "the list", "GET", "/api/v1/clients", nil, &p); err != nil {
		return err
	}
	for _, r := range p.Items {
		if r.Endpoint == walkName && r.Security.Mode == "psk" {
			w.out.line("        %s, with a padlock (DTLS, PSK%s)", r.Endpoint, map[bool]string{true: ", connection ID"}[r.Security.CID])
			return nil
		}
	}
	return fmt.Errorf("%s with a padlock: %w", walkName, errNoSuch)
}

// said is what a device answered, in a few words.
func said(r *api.OperationResult) string {
	switch {
	case r.Value != nil:
		return fmt.Sprint(r.Value)
	case len(r.Entries) > 0:
		return fmt.Sprintf("%s, %d values", r.CodeName, len(r.Entries))
	}
	return r.CodeName
}

func (w *walker) manage() error {
	const page, base = walkName, "/api/v1/clients/" + walkName
	show := func(what string, r *api.OperationResult, err error) error {
		if err == nil {
			w.out.line("page %q: %s %s\n        %s %s", page, what, r.Path, r.Code, said(r))
		}
		return err
	}
	r, err := w.operate("GET", walkName+"/objects/3/0/0", nil, "2.05")
	if err := show("Read", r, err); err != nil {
		return err
	}
	if r, err = w.operate("GET", walkName+"/objects/4/0", nil, "2.05"); err == nil && len(r.Entries) == 0 {
		err = errors.New("the connectivity object is empty")
	}
	if err := show("Read", r, err); err != nil {
		return err
	}
	if r, err = w.operate("PUT", walkName+"/objects/31024/10/1", map[string]int{"value": 42}, "2.04"); err == nil {
		r, err = w.operate("GET", walkName+"/objects/31024/10/1", nil, "2.05")
	}
	if err == nil && r.Value != 42.0 {
		err = fmt.Errorf("read back %v", r.Value)
	}
	if err := show("Write 42 to, and read,", r, err); err != nil {
		return err
	}
	e, err := w.follow("endpoint=" + walkName)
	if err != nil {
		return err
	}
	var o fleet.ObservationView
	if err := w.click(page, "Observe /31024/10/1", "POST", base+"/observations", map[string]string{"path": "/31024/10/1"}, &o); err != nil {
		return err
	}
	if _, err := w.typed(atDevice, "lwchange /31024/10/1 77"); err != nil {
		return err
	}
	if _, err := e.wait("value", `"path":"/31024/10/1","value":77,`); err != nil {
		return err
	}
	w.out.line("page %q: /31024/10/1 is 77 now", page)
	r, err = w.operate("POST", walkName+"/objects/31024/10/2/execute", nil, "2.04")
	return show("Execute", r, err)
}

func (w *walker) stopClient() error {
	if _, err := w.typed(atDevice, "lwstop"); err != nil {
		return err
	}
	return w.gone()
}

// gone waits until the server has the device no longer.
func (w *walker) gone() error {
	_, err := w.waitFor(func() (string, error) {
		_, err := refused(w.call("GET", "/api/v1/clients/"+walkName+"/objects/3/0/0", nil, nil), 404)
		return "", err
	})
	return err
}

func (w *walker) giveConfiguration() error {
	key := make([]byte, 16)
	w.d.host.Rand().Fill(key)
	w.bsIdentity, w.bsKey = "BSID-"+walkName, hex.EncodeToString(key)
	type m = map[string]any
	uri := fmt.Sprintf("coaps://%s:%d", ServerName, w.d.secure.Port())
	return w.click("Bootstrap", "Add new client bootstrap configuration (tabs LWM2M Bootstrap Server, LWM2M Server)", "PUT", "/api/v1/bootstrap/configurations/"+walkName,
		m{"account": m{"mode": "psk", "identity": w.bsIdentity, "key": w.bsKey}, "delete": []string{"/0", "/1"},
			"servers": []m{{"uri": uri, "local": true, "mode": "psk", "identity": walkName + "-given", "generateKey": true, "shortServerId": 123, "lifetime": 300, "muteSend": false}}}, nil)
}

func (w *walker) startBootstrap() error {
	args := []string{"-n", walkName, "-h", ServerName, "-b", "-p", fmt.Sprint(w.d.bootstrap.Port()), "-i", w.bsIdentity, "-s", w.bsKey}
	if err := w.starts(args...); err != nil {
		return err
	}
	// A device holds off for ten seconds before it bootstraps (resource 0/x/11). Nothing is under way meanwhile.
	w.out.line("        (the mesh's clock runs ten times as fast while the device holds off)")
	if err := w.hurried(10, func() error { return w.prints(atDevice, 30*time.Second, toBootstrap[:3]...) }); err != nil {
		return err
	}
	if err := w.prints(atDevice, 30*time.Second, toBootstrap[3:]...); err != nil {
		return err
	}
	if err := w.registered(true); err != nil {
		return err
	}
	if _, err := w.operate("GET", walkName+"/objects/3/0/0", nil, "2.05"); err != nil {
		return err
	}
	var c struct{ Security struct{ Identity string } }
	if err := w.call("GET", "/api/v1/clients/"+walkName, nil, &c); err != nil {
		return err
	}
	if c.Security.Identity != walkName+"-given" {
		return fmt.Errorf("it registered as %q, not with the identity that it was given", c.Security.Identity)
	}
	w.out.line("page \"Clients\": %s, with the identity %s that it was given", walkName, c.Security.Identity)
	if err := w.stopClient(); err != nil {
		return err
	}
	if err := w.call("DELETE", "/api/v1/bootstrap/configurations/"+walkName, nil, nil); err != nil {
		return err
	}
	return w.call("PUT", "/api/v1/credentials/"+walkName, map[string]string{"mode": "psk", "identity": w.identity, "key": w.key}, nil)
}

func (w *walker) startLocal() error {
	if err := w.lwstart(toReady, append(w.at("["+Server6.String()+"]", w.d.secure6.Port(), 5684), "-i", w.identity, "-s", w.key)...); err != nil {
		return err
	}
	if err := w.registered(true); err != nil {
		return err
	}
	if _, err := w.typed(atDevice, "lwlist", "LWM2M Servers:", ` - Server ID 123\tstatus: REGISTERED\tlocation: "/rd/[^"]+"\tLifetime: 300s`); err != nil {
		return err
	}
	return w.stopClient()
}

func (w *walker) startPlain() error {
	if err := w.call("DELETE", "/api/v1/credentials/"+walkName, nil, nil); err != nil {
		return err
	}
	if err := w.lwstart(toReady, w.at(Server6.String(), w.d.plain6.Port(), 5683)...); err != nil {
		return err
	}
	if err := w.registered(false); err != nil {
		return err
	}
	return w.stopClient()
}

func (w *walker) reset() error {
	if err := w.call("PUT", "/api/v1/credentials/"+walkName, map[string]string{"mode": "psk", "identity": w.identity, "key": w.key}, nil); err != nil {
		return err
	}
	if err := w.start(); err != nil {
		return err
	}
	t := w.terms[atDevice]
	w.out.line("%s> reset", atDevice)
	if err := t.enter(w.ctx, "reset"); err != nil {
		return err
	}
	if !w.wait(w.ctx, 300*time.Millisecond) {
		return w.ctx.Err()
	}
	if err := w.lines(atDevice, "ifconfig up", "thread start"); err != nil {
		return err
	}
	if err := w.until(atDevice, "state", "child|router", 30*time.Second); err != nil {
		return err
	}
	if err := w.prints(atDevice, 30*time.Second, " -> State: STATE_READY"); err != nil {
		return err
	}
	_, err := w.operate("GET", walkName+"/objects/3/0/0", nil, "2.05")
	return err
}
