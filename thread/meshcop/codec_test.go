package meshcop

import (
	"encoding/hex"
	"testing"
)

func TestDerivePSKc(t *testing.T) {
	// The example of Thread 1.1.1 section 8.4.1.2.2.
	for _, x := range []struct{ pass, name, ext, want string }{
		{"12SECRETPASSWORD34", "Test Network", "0001020304050607", "c3f59368445a1b6106be420a706d4cc9"},
	} {
		e, _ := hex.DecodeString(x.ext)
		k, err := DerivePSKc(x.pass, x.name, [8]byte(e))
		if err != nil || hex.EncodeToString(k[:]) != x.want {
			t.Errorf("%s %s: %x %v, want %s", x.pass, x.name, k, err, x.want)
		}
	}
	if _, err := DerivePSKc("short", "x", [8]byte{}); err == nil {
		t.Error("a passphrase of 5 characters")
	}
}
