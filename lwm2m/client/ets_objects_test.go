package client_test

import (
	"net/netip"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

// The cases of the enabler test specification about objects 3, 4, 6, 7 and 16, and about several servers.

func TestETS_651_WriteAndRestoreDevice(t *testing.T) {
	newScript(t, nil).registered().run(`
		> POST /3/0 ct=11542 : /3/0/13=1367491215 /3/0/14=+02:00 /3/0/15=Europe/Paris
		! Written{Server:123 Path:/3/0/13}
		! Written{Server:123 Path:/3/0/14}
		! Written{Server:123 Path:/3/0/15}
		< ACK 2.04
		+2s
		> GET /3/0 accept=11542
		< ACK 2.05 ct=11542 : /3/0/0=Heddle /3/0/1=test device /3/0/2=0001 /3/0/3=1.0 /3/0/6/0=1 /3/0/6/1=5 /3/0/7/0=4200 /3/0/7/1=5000 /3/0/8/0=41 /3/0/8/1=900 /3/0/9=100 /3/0/10=184 /3/0/11/0=0 /3/0/13=2013-05-02T10:40:17Z /3/0/14=+02:00 /3/0/15=Europe/Paris /3/0/16=U /3/0/20=0 /3/0/21=256
		> PUT /3/0 ct=11542 : /3/0/14=+01:00 /3/0/15=Europe/Berlin
		! Written{Server:123 Path:/3/0/14}
		! Written{Server:123 Path:/3/0/15}
		< ACK 2.04
		> GET /3/0/15 accept=0
		< ACK 2.05 ct=0 : Europe/Berlin
	`)
}

func TestETS_652_FirmwareVersion(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /3/0/3 accept=0
		< ACK 2.05 ct=0 : 1.0
	`)
}

func TestETS_680_685_DeviceHasOneInstance(t *testing.T) {
	newScript(t, nil).registered().run(`
		> POST /3 ct=11542 : /3/1/14=+02:00
		< ACK 4.05 : instances of this object cannot be created
		> DELETE /3/0
		< ACK 4.05 : instances of this object cannot be deleted
	`)
}

func TestETS_701_ConnectivityMonitoring(t *testing.T) {
	newScript(t, nil, fixedMonitoring()).registered().run(`
		> GET /4/0 accept=11542
		< ACK 2.05 ct=11542 : /4/0/0=23 /4/0/1/0=23 /4/0/2=-63 /4/0/3=148 /4/0/4/0=fd00::7 /4/0/6=7
	`)
}

// fixedMonitoring is a node of a mesh whose signal does not move.
func fixedMonitoring() *objects.ConnectivityMonitoring {
	return &objects.ConnectivityMonitoring{Bearer: objects.BearerIEEE802154, Addresses: []netip.Addr{netip.MustParseAddr("fd00::7")}}
}

func TestETS_710_ObserveConnectivityMonitoring(t *testing.T) {
	newScript(t, nil, fixedMonitoring()).registered().run(`
		> PUT /4/0?pmin=2&pmax=10
		< ACK 2.04
		> GET /4/0/0 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/4/0/0 Began:true}
		< ACK 2.05 observe ct=0 : 23
		+21s
		< @10s NON 2.05 token=A observe ct=0 : 23
		< @20s NON 2.05 token=A observe ct=0 : 23
	`)
}

func TestETS_801_Location(t *testing.T) {
	newScript(t, nil, objects.NewLocation(scriptTime, objects.Everest)).registered().run(`
		> GET /6/0 accept=11542
		< ACK 2.05 ct=11542 : /6/0/0=27.986065 /6/0/1=86.922623 /6/0/2=8495.0 /6/0/3=0.0 /6/0/5=2026-01-01T00:00:00Z /6/0/6=0.0
	`)
}

func TestETS_810_ObserveLocation(t *testing.T) {
	track := []objects.Waypoint{{Latitude: 10, Longitude: 20}, {At: time.Minute, Latitude: 11, Longitude: 20}}
	newScript(t, nil, objects.NewTrack(scriptTime, track)).registered().run(`
		> PUT /6/0?pmin=2&pmax=10
		< ACK 2.04
		> GET /6/0/0 accept=0 observe=0 token=A
		! Observed{Server:123 Path:/6/0/0 Began:true}
		< ACK 2.05 observe ct=0 : 10.0
		+12s
		< @5s NON 2.05 token=A observe ct=0 : 10.083333
		< @10s NON 2.05 token=A observe ct=0 : 10.166667
	`)
}

func TestETS_901_ConnectivityStatistics(t *testing.T) {
	newScript(t, nil, objects.NewConnectivityStatistics()).registered().run(`
		> POST /7/0/6
		! Executed{Server:123 Path:/7/0/6}
		< ACK 2.04
		+5s
		> POST /7/0/7
		! Executed{Server:123 Path:/7/0/7}
		< ACK 2.04
		> GET /7/0 accept=11542
		< ACK 2.05 ct=11542 : /7/0/2=0 /7/0/3=0 /7/0/4=12 /7/0/5=9 /7/0/8=0
	`)
}

func TestETS_905_CollectionPeriod(t *testing.T) {
	newScript(t, nil, objects.NewConnectivityStatistics()).registered().run(`
		> GET /7/0/8 accept=0
		< ACK 2.05 ct=0 : 0
		> PUT /7/0/8 ct=0 : 7
		! Written{Server:123 Path:/7/0/8}
		< ACK 2.04
		> GET /7/0/8 accept=0
		< ACK 2.05 ct=0 : 7
	`)
}

func TestETS_910_ObserveConnectivityStatistics(t *testing.T) {
	newScript(t, nil, objects.NewConnectivityStatistics()).registered().run(`
		> PUT /7/0?pmin=2&pmax=10
		< ACK 2.04
		> PUT /7/0/8 ct=0 : 0
		! Written{Server:123 Path:/7/0/8}
		< ACK 2.04
		> GET /7/0 accept=11542 observe=0 token=A
		! Observed{Server:123 Path:/7/0 Began:true}
		< ACK 2.05 observe ct=11542 : /7/0/2=0 /7/0/3=0 /7/0/4=0 /7/0/5=0 /7/0/8=0
		> POST /7/0/6
		! Executed{Server:123 Path:/7/0/6}
		< ACK 2.04
		+20s
		< @2s NON 2.05 token=A observe ct=11542 : /7/0/2=0 /7/0/3=0 /7/0/4=6 /7/0/5=6 /7/0/8=0
		< @10s NON 2.05 token=A observe ct=11542 : /7/0/2=0 /7/0/3=0 /7/0/4=26 /7/0/5=16 /7/0/8=0
		< @20s NON 2.05 token=A observe ct=11542 : /7/0/2=0 /7/0/3=0 /7/0/4=26 /7/0/5=19 /7/0/8=0
		> POST /7/0/7
		! Executed{Server:123 Path:/7/0/7}
		< ACK 2.04
		> GET /7/0 accept=11542 observe=1 token=A
		! Observed{Server:123 Path:/7/0 Began:false}
		< ACK 2.05 ct=11542 : /7/0/2=0 /7/0/3=0 /7/0/4=26 /7/0/5=19 /7/0/8=0
	`)
}

// Each server sees its own attributes and not those of the other.
func TestETS_951_AttributesOfSeveralServers(t *testing.T) {
	const links = `</3/0/0>,</3/0/1>,</3/0/2>,</3/0/3>,</3/0/4>,</3/0/5>,</3/0/6>;dim=2,</3/0/7>;dim=2,</3/0/8>;dim=2,</3/0/9>,</3/0/10>,</3/0/11>;dim=1,</3/0/12>,</3/0/13>,</3/0/14>,</3/0/15>,</3/0/16>,</3/0/20>,</3/0/21>`
	s := newScript(t, twoServers)
	for _, line := range []string{"start", "server 192.0.2.66:5683", "> 2.01 /rd/2"} {
		s.command(line)
	}
	s.run(`
		> PUT /3/0?pmin=15&pmax=50
		< to 192.0.2.66:5683 ACK 2.04
		server 192.0.2.1:5683
		> PUT /3/0?pmin=2&pmax=10
		< ACK 2.04
		> GET /3/0 accept=40
		< ACK 2.05 ct=40 : </3/0>;pmin=2;pmax=10,` + links + `
		server 192.0.2.66:5683
		> GET /3/0 accept=40
		< to 192.0.2.66:5683 ACK 2.05 ct=40 : </3/0>;pmin=15;pmax=50,` + links + `
	`)
}

// portfolio is object 16 as the specification's configuration has it.
func portfolio() *client.Simple {
	return client.NewObject(&client.Definition{ID: 16, Name: "Portfolio", Multiple: true, Resources: []client.Resource{
		{ID: 0, Name: "Identity", Kind: lwm2m.String, Operations: lwm2m.Read | lwm2m.Write, Multiple: true, Mandatory: true},
	}}).AllowCreate().Set("/16/0/0/0", lwm2m.Str("Host Device ID #1")).Set("/16/0/0/1", lwm2m.Str("Host Device Manufacturer #1"))
}

func TestETS_1630_CreatePortfolioInstance(t *testing.T) {
	newScript(t, nil, portfolio()).registered().run(`
		> GET /16 accept=40
		< ACK 2.05 ct=40 : </16>,</16/0>,</16/0/0>;dim=2
		> POST /16 ct=11542 : /16/1/0/0=two /16/1/0/1=model
		! InstanceChanged{Server:123 Path:/16/1 Created:true}
		< ACK 2.01
		< CON POST /rd/1 ct=40 : (links),</16/0>,</16/1>
		> GET /16 accept=11542
		< ACK 2.05 ct=11542 : /16/0/0/0=Host Device ID #1 /16/0/0/1=Host Device Manufacturer #1 /16/1/0/0=two /16/1/0/1=model
	`)
}

func TestETS_1635_DeletePortfolioInstance(t *testing.T) {
	newScript(t, nil, portfolio()).registered().run(`
		> DELETE /16/0
		! InstanceChanged{Server:123 Path:/16/0 Created:false}
		< ACK 2.02
		< CON POST /rd/1 ct=40 : (links),</16>
		> GET /16 accept=40
		< ACK 2.05 ct=40 : </16>
	`)
}
