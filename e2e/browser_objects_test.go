//go:build peers

package e2e

import (
	"fmt"
	"testing"

	"heddle.example/e2e/peer"
)

// window is the definition of an object of one's own, as a file has it: with a line feed at its end.
func window(version, more string) []byte {
	return []byte(fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<LWM2M><Object ObjectType="MODefinition"><Name>Window</Name><ObjectID>33000</ObjectID><ObjectURN>urn:oma:lwm2m:x:33000:%s</ObjectURN>
<LWM2MVersion>1.1</LWM2MVersion><ObjectVersion>%s</ObjectVersion><MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory>
<Resources><Item ID="0"><Name>Open</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory><Type>Boolean</Type></Item>%s</Resources>
</Object></LWM2M>
`, version, version, more))
}

// Definitions come up on the page, two versions of one object, and are used at once: a device that is registered already is
// shown with the names of the version that it has.
func TestDefinitionsInTheBrowser(t *testing.T) {
	s := peer.HeddleServer(t)
	for ep, version := range map[string]string{"old": "1.0", "new": "2.0"} {
		a := peer.CoapClient{TLS: "notls", Method: "post", Format: "40", Payload: `</>;rt="oma.lwm2m",</1/0>,</3/0>,</33000>;ver=` + version + `,</33000/0>`,
			URI: "coap://" + s.CoAP + "/rd?lwm2m=1.1&ep=" + ep + "&lt=3600"}.Do(t)
		if a.Code != "2.01" {
			t.Fatalf("Register: %s\n%s", a.Code, a.Log)
		}
	}
	p := peer.Browser(t)
	base := administrator(p, s)
	p.Open(base + "#/clients/new/33000")
	p.SeeIn(".tree", "Object 33000")

	p.Open(base + "#/objects")
	p.Await("the registry", `document.querySelector('[data-obj]')`)
	p.Upload(".up input", "broken.xml", []byte("<LWM2M>"))
	p.SeeIn(".er", "broken.xml")
	p.SeeIn(".er", "The registry is unchanged.")
	p.Upload(".up input", "window-1.xml", window("1.0", ""))
	p.SeeIn(".msg", "window-1.xml: Window (33000, version 1.0)")
	p.Upload(".up input", "window-2.xml", window("2.0", `<Item ID="1"><Name>Angle</Name><Operations>R</Operations><MultipleInstances>Single</MultipleInstances><Mandatory>Optional</Mandatory><Type>Float</Type><RangeEnumeration>0..90</RangeEnumeration><Units>deg</Units></Item>`))
	p.SeeIn(".msg", "window-2.xml: Window (33000, version 2.0)")
	p.SeeIn(".right .t", "Angle")
	p.SeeIn(".right .t", "0 to 90")
	p.Axe("two versions")
	p.Click(".oh .seg button:nth-child(1)")
	p.Await("the first version has no angle", `document.querySelector('.right .t')?.innerText.includes('Open') && !document.querySelector('.right .t').innerText.includes('Angle')`)

	p.Open(base + "#/clients/new/33000/0")
	p.SeeIn(".tree", "Window")
	p.SeeIn("section", "Angle")
	p.Open(base + "#/clients/old/33000/0")
	p.SeeIn("section", "Open")
	if p.Value(`document.querySelector('.mid').innerText.includes('Angle')`) == "true" {
		t.Error("the device of version 1.0 is shown with a resource of 2.0")
	}

	p.Open(base + "#/objects/33000")
	p.SeeIn(".right .facts", "added here")
	p.Press("Delete")
	p.Press("Delete this definition")
	s.Await("one version is left", func() bool {
		versions, _ := s.REST("GET", "/api/v1/registry/33000", nil).Body["versions"].([]any)
		return len(versions) == 1
	})
}
