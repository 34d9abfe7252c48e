package coap

import "testing"

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		c                          Code
		text, name                 string
		request, response, success bool
	}{
		{Empty, "0.00", "Empty", false, false, false},
		{GET, "0.01", "GET", true, false, false},
		{IPATCH, "0.07", "iPATCH", true, false, false},
		{Created, "2.01", "Created", false, true, true},
		{Content, "2.05", "Content", false, true, true},
		{Continue, "2.31", "Continue", false, true, true},
		{BadOption, "4.02", "Bad Option", false, true, false},
		{RequestEntityIncomplete, "4.08", "Request Entity Incomplete", false, true, false},
		{PreconditionFailed, "4.12", "Precondition Failed", false, true, false},
		{RequestEntityTooLarge, "4.13", "Request Entity Too Large", false, true, false},
		{UnsupportedContentFormat, "4.15", "Unsupported Content-Format", false, true, false},
		{ServiceUnavailable, "5.03", "Service Unavailable", false, true, false},
		{0x21, "1.01", "1.01", false, false, false},
		{0xe1, "7.01", "7.01", false, false, false},
	} {
		if c.c.String() != c.text || c.c.Name() != c.name || c.c.IsRequest() != c.request || c.c.IsResponse() != c.response || c.c.IsSuccess() != c.success {
			t.Errorf("%d: %s %s %v %v %v", c.c, c.c, c.c.Name(), c.c.IsRequest(), c.c.IsResponse(), c.c.IsSuccess())
		}
	}
	if CON.String()+NON.String()+ACK.String()+RST.String() != "CONNONACKRST" {
		t.Error("types")
	}
	if TLV.String() != "application/vnd.oma.lwm2m+tlv" || ContentFormat(999).String() != "999" {
		t.Error("formats")
	}
	if URIPath.String() != "Uri-Path" || OptionNumber(9999).String() != "9999" || !URIPath.Critical() || Observe.Critical() {
		t.Error("option numbers")
	}
	a, b := NewToken([]byte{1, 0}), NewToken([]byte{1})
	if a == b || a.Len() != 2 || b.String() != "01" || string(a.Append([]byte("x"))) != "x\x01\x00" || NewToken(make([]byte, 20)).Len() != 8 {
		t.Error("tokens")
	}
}
