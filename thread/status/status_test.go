package status

import "testing"

func TestNames(t *testing.T) {
	for e, want := range map[Error]string{
		InvalidArgs: "Error 7: InvalidArgs", FCS: "Error 17: FcsErr", Already: "Error 24: Already",
		IPv6AddressCreation: "Error 26: Ipv6AddressCreationFailure", InvalidCommand: "Error 35: InvalidCommand",
		Rejected: "Error 37: Rejected", 200: "Error 200: UnknownErrorType",
	} {
		if e.Error() != want {
			t.Errorf("%q, want %q", e.Error(), want)
		}
	}
}
