package leshan

import (
	"strconv"

	"heddle.example/internal/bootstrap"
	"heddle.example/lwm2m"
	lwbootstrap "heddle.example/lwm2m/bootstrap"
	"heddle.example/machine"
)

var bsModes = map[machine.SecurityKind]string{machine.NoSecurity: "NO_SEC", machine.PSK: "PSK", machine.RPK: "RPK", machine.X509: "X509"}

// newBSConfig makes the shape of a configuration. Keys are empty where they may not be seen.
func newBSConfig(c *bootstrap.Configuration, keys bool) bsConfig {
	out := bsConfig{AutoID: true, ToDelete: []string{}, Servers: map[string]bsServer{}, Security: map[string]bsSecurity{}, ACLs: map[string]bsACL{}, OSCORE: map[string]any{}}
	for _, p := range c.Delete {
		out.ToDelete = append(out.ToDelete, p.String())
	}
	secret := func(b []byte) bsBytes {
		if !keys {
			return bsBytes{}
		}
		return b
	}
	r := &c.Reach
	next := 0
	if r.Mode != machine.NoSecurity || r.URI != "" {
		out.Security["0"] = bsSecurity{URI: r.URI, BootstrapServer: true, SecurityMode: bsModes[r.Mode], PublicKeyOrID: bsBytes(r.Identity), SecretKey: secret(r.Key), SMSSecurityMode: "NO_SEC",
			HoldOff: r.HoldOff, AccountTimeout: r.Timeout}
		next = 1
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		security, server := next+i, i
		if s.SecurityInstance != lwm2m.NoID {
			security, out.AutoID = int(s.SecurityInstance), false
		}
		if s.ServerInstance != lwm2m.NoID {
			server = int(s.ServerInstance)
		}
		id := s.ShortID
		public := bsBytes(s.Identity)
		if s.Mode == machine.RPK || s.Mode == machine.X509 {
			public = s.Public
		}
		out.Security[strconv.Itoa(security)] = bsSecurity{URI: s.URI, SecurityMode: bsModes[s.Mode], PublicKeyOrID: public, ServerPublicKey: s.ServerPublic, SecretKey: secret(s.Key), SMSSecurityMode: "NO_SEC", ServerID: &id}
		out.Servers[strconv.Itoa(server)] = newBSServer(s)
	}
	for _, w := range c.Objects {
		if w.Path.Depth() == 2 && w.Path.Object() == 2 {
			out.ACLs[strconv.Itoa(int(w.Path.Instance()))] = newBSACL(w)
		}
	}
	return out
}

func newBSServer(s *bootstrap.Server) bsServer {
	v := bsServer{ShortID: s.ShortID, Lifetime: s.Lifetime, Storing: s.Storing, Binding: bsBinding(s.Binding)}
	for _, r := range s.Server {
		if f := v.fields()[r.ID]; f != nil {
			f.set(r.Value)
		}
	}
	return v
}

func newBSACL(w lwbootstrap.Write) bsACL {
	a := bsACL{ACLs: map[string]uint16{}}
	for _, e := range w.Entries {
		n, _ := e.Value.AsInt()
		switch e.Path.Resource() {
		case 0:
			a.Object = uint16(n)
		case 1:
			a.Instance = uint16(n)
		case 2:
			a.ACLs[strconv.Itoa(int(e.Path.ResourceInstance()))] = uint16(n)
		case 3:
			owner := uint16(n)
			a.Owner = &owner
		}
	}
	return a
}
