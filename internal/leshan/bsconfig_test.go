package leshan

import (
	"encoding/json"
	"testing"

	"heddle.example/internal/bootstrap"
	"heddle.example/lwm2m/registry"
)

// What Leshan's shape says and is in order comes out as it went in.
func FuzzBSConfig(f *testing.F) {
	f.Add([]byte(`{"autoIdForSecurityObject": false, "contentFormat": {"code": 112}, "toDelete": ["/0"], "servers": {"0": {"shortId": 123, "lifetime": 300, "notifIfDisabled": true, "binding": ["U"]}},
		"security": {"1": {"uri": "coap://h", "securityMode": "NO_SEC", "serverId": 123}}, "acls": {"0": {"objectId": 3, "objectInstanceId": 0, "acls": {"123": 15}, "AccessControlOwner": 123}}}`))
	f.Add([]byte(`{"dm": [{"security": {"uri": "coap://h", "securityMode": "NO_SEC"}, "server": {"shortId": 1}}], "bs": [{"security": {"securityMode": "PSK", "publicKeyOrId": [1, -2], "secretKey": "00"}}]}`))
	reg := registry.Builtin()
	f.Fuzz(func(t *testing.T, body []byte) {
		var in bsConfig
		if json.Unmarshal(body, &in) != nil {
			return
		}
		c, err := in.configuration("demo", nil)
		if err != nil || bootstrap.Check(c, reg) != nil {
			return
		}
		first := newBSConfig(c, true)
		d, err := first.configuration("demo", nil)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		a, _ := json.Marshal(first)
		b, _ := json.Marshal(newBSConfig(d, true))
		if string(a) != string(b) {
			t.Fatalf("\n%s\n%s", a, b)
		}
	})
}
