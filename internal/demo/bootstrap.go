package demo

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"heddle.example/internal/bootstrap"
	"heddle.example/internal/credentials"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// Some devices of the demo know their bootstrap server only, as out of the box.

// uri is how devices reach a secure port of ours.
func (d *Demo) uri(a netip.AddrPort) string {
	if d.home != nil {
		return fmt.Sprintf("coaps://%s:%d", ServerName, a.Port())
	}
	return "coaps://" + a.String()
}

// configuration is what a device is given: the server of the demo, with a key that was made for it.
func (d *Demo) configuration(s *spec) *bootstrap.Configuration {
	key := make([]byte, 16)
	rand.Read(key)
	return &bootstrap.Configuration{Endpoint: s.name, Reach: bootstrap.Reach{Mode: machine.PSK, Identity: s.identity, Key: s.key, URI: d.uri(d.bootstrap)},
		Servers: []bootstrap.Server{{ShortID: 123, URI: d.uri(d.secure), Local: true, Mode: machine.PSK, Identity: s.name, Key: key, Lifetime: uint32(s.family.lifetime / time.Second), Binding: "U",
			SecurityInstance: lwm2m.NoID, ServerInstance: lwm2m.NoID}},
		Delete: []lwm2m.Path{lwm2m.NewPath(0), lwm2m.NewPath(1)}}
}

// configure stores the configurations of the devices that are to be bootstrapped.
func (d *Demo) configure(list []spec) error {
	var all []*bootstrap.Configuration
	for i := range list {
		if list[i].family.bootstrap {
			all = append(all, d.configuration(&list[i]))
		}
	}
	res, err := d.Program.Bootstrap().Configurations.PutAll(all, credentials.Replace)
	if err == nil && len(res.Errors) > 0 {
		err = fmt.Errorf("configuration of %s: %w", all[res.Errors[0].Index].Endpoint, res.Errors[0].Err)
	}
	return err
}

// account is the device's account: of the server, or of the bootstrap server alone.
func (s *spec) account(address string, port uint16) client.Account {
	a := client.Account{ShortID: 123, URI: client.ServerURI(s.key != nil, address, port), Identity: s.identity, Key: s.key, Lifetime: s.family.lifetime, Unmuted: true}
	if s.family.bootstrap {
		a = client.Account{Bootstrap: true, URI: a.URI, Identity: s.identity, Key: s.key, Retry: &client.RetryPolicy{Count: 10, Timer: 2 * time.Second, SequenceDelay: time.Minute, SequenceCount: 1000}}
	}
	return a
}

// bootFamily is the device that the check bootstraps.
var bootFamily = family{kinds: []uint16{3303}, model: "Guest", secure: true, bootstrap: true, lifetime: 5 * time.Minute}

// bootstrapDevice configures a device on the page, starts it with its bootstrap account alone, and reads it when it has
// registered with the key that was made for it.
func (c *checker) bootstrapDevice() (string, error) {
	s := spec{name: "check-boot", family: &bootFamily, identity: "BSID-check-boot", key: make([]byte, 16)}
	rand.Read(s.key)
	type m = map[string]any
	conf := m{"endpoint": s.name, "account": m{"mode": "psk", "identity": s.identity, "key": hex.EncodeToString(s.key)}, "delete": []string{"/0", "/1"},
		"servers": []m{{"uri": c.d.uri(c.d.secure), "local": true, "mode": "psk", "identity": s.name, "generateKey": true, "shortServerId": 123, "lifetime": 300, "muteSend": false}}}
	var plan struct{ Steps []bootstrap.Step }
	if err := c.call("POST", "/api/v1/bootstrap/plan", conf, &plan); err != nil {
		return "", err
	}
	const path = "/api/v1/bootstrap/configurations/check-boot"
	if err := c.call("PUT", path, conf, nil); err != nil {
		return "", err
	}
	dev, err := c.d.start(&s)
	if err != nil {
		return "", err
	}
	c.kill(dev)
	if _, err := c.waitFor(func() (string, error) {
		_, err := c.operate("GET", s.name+"/objects/3303/0/5700", nil, "2.05")
		return "", err
	}); err != nil {
		return "", err
	}
	var sessions struct{ Items []bootstrap.Session }
	if err := c.call("GET", "/api/v1/bootstrap/sessions?endpoint="+s.name, nil, &sessions); err != nil {
		return "", err
	}
	if len(sessions.Items) != 1 || sessions.Items[0].State != "finished" || len(sessions.Items[0].Steps) != len(plan.Steps) {
		return "", errors.New("the session is not as the dry run said")
	}
	if err := c.call("DELETE", path, nil, nil); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %d messages", s.name, len(plan.Steps)), c.call("DELETE", "/api/v1/credentials/"+s.name, nil, nil)
}
