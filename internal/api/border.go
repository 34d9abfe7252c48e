package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
)

// Border is a border router, as the page shows it.
type Border interface {
	Border(ctx context.Context) (*BorderStatus, error)
	// Doctor tests each leg of the way out; what the question leaves empty is BorderStatus.Ask's. It takes some seconds.
	Doctor(ctx context.Context, q BorderQuestion) (*BorderReport, error)
}

// BorderStatus is the mesh's way out.
type BorderStatus struct {
	Role      string          `json:"role" doc:"of the node in the mesh"`
	State     string          `json:"state" enum:"disabled,uninitialized,stopped,running"`
	Mode      string          `json:"mode" enum:"rootless,tun,simulated" doc:"how packets leave: by ordinary sockets, or by a TUN device"`
	Infra     string          `json:"infra,omitempty" doc:"name of the infrastructure link"`
	Device    string          `json:"device,omitempty" doc:"name of the TUN device"`
	Ask       *BorderQuestion `json:"ask,omitempty" doc:"what the doctor asks for unless told; absent: nothing can be tested"`
	Prefixes  []BorderPrefix  `json:"prefixes"`
	Routes    []BorderRoute   `json:"routes" doc:"what the mesh is told to send here or to another border router"`
	Routers   []BorderPeer    `json:"routers" doc:"others on the infrastructure link"`
	NAT64     BorderNAT64     `json:"nat64"`
	DNS       BorderDNS       `json:"dns"`
	MDNS      *BorderMDNS     `json:"mdns,omitempty" doc:"multicast DNS on the infrastructure link; absent where it is not spoken"`
	Counters  []BorderCounter `json:"counters"`
	Addresses []string        `json:"addresses"`
}

// BorderPrefix is one that this router publishes or has heard of.
type BorderPrefix struct {
	Kind      string `json:"kind" enum:"omr,on-link,nat64"`
	Prefix    string `json:"prefix"`
	Local     bool   `json:"local" doc:"this router's own"`
	Favored   bool   `json:"favored" doc:"the one that is in use"`
	Published bool   `json:"published"`
	Pref      string `json:"pref" enum:"high,medium,low,"`
	Left      int64  `json:"left,omitempty" doc:"seconds that it is valid"`
}

// BorderRoute is a route out of the mesh.
type BorderRoute struct {
	Prefix string `json:"prefix"`
	Pref   string `json:"pref"`
	NAT64  bool   `json:"nat64"`
	RLOC16 string `json:"rloc16"`
	Own    bool   `json:"own"`
}

// BorderPeer is another router on the infrastructure link.
type BorderPeer struct {
	Address string `json:"address"`
	Flags   string `json:"flags"`
	Age     int64  `json:"age" doc:"seconds since it was heard"`
}

// BorderNAT64 is the translator.
type BorderNAT64 struct {
	Prefix     string          `json:"prefix"`
	Translator string          `json:"translator" enum:"disabled,not running,idle,active"`
	CIDR       string          `json:"cidr,omitempty"`
	Mappings   []BorderMapping `json:"mappings"`
	Most       int             `json:"most,omitempty" doc:"mappings that there can be"`
}

// BorderMapping is a flow, or an address, of the mesh and what it is outside.
type BorderMapping struct {
	Protocol string `json:"protocol" example:"udp"`
	Inside   string `json:"inside" example:"[fdaa::1]:40213"`
	Outside  string `json:"outside"`
	Remote   string `json:"remote,omitempty"`
	Left     int64  `json:"left" doc:"seconds until it goes; -1: it stays"`
	Out      uint64 `json:"out" doc:"packets"`
	In       uint64 `json:"in"`
	OutBytes uint64 `json:"outBytes"`
	InBytes  uint64 `json:"inBytes"`
	Node     int    `json:"node,omitempty"`
	Client   string `json:"client,omitempty" doc:"endpoint of the LwM2M client whose flow it is"`
}

// BorderDNS is the forwarder.
type BorderDNS struct {
	On       bool          `json:"on"`
	Upstream []string      `json:"upstream"`
	Asked    uint64        `json:"asked"`
	Answered uint64        `json:"answered" doc:"from the cache"`
	Failed   uint64        `json:"failed"`
	Cache    []BorderCache `json:"cache"`
}

// BorderMDNS is what computers of the infrastructure link find of the mesh, and what the mesh has asked of the link.
type BorderMDNS struct {
	Hosts    []BorderMDNSHost `json:"hosts"`
	Asked    uint64           `json:"asked" doc:"queries of nodes for names that nobody has registered"`
	Answered uint64           `json:"answered" doc:"of those, answered with something"`
}

// BorderMDNSHost is a host that is found on the infrastructure link.
type BorderMDNSHost struct {
	Name      string              `json:"name" example:"lamp.local"`
	State     string              `json:"state" enum:"probing,announced,resting"`
	Taken     string              `json:"taken,omitempty" doc:"the label that it has in the mesh, where a computer has that on the link"`
	Own       bool                `json:"own" doc:"the border router itself"`
	Addresses []string            `json:"addresses"`
	Services  []BorderMDNSService `json:"services"`
}

// BorderMDNSService is a service of such a host.
type BorderMDNSService struct {
	Instance string `json:"instance" example:"Kitchen"`
	Type     string `json:"type" example:"_coap._udp"`
	Port     uint16 `json:"port"`
	State    string `json:"state" enum:"probing,announced,resting"`
	Taken    string `json:"taken,omitempty" doc:"the instance's label in the mesh, where somebody has that on the link"`
}

// BorderCache is a name that is remembered.
type BorderCache struct {
	Name   string   `json:"name"`
	Type   string   `json:"type" example:"AAAA"`
	Values []string `json:"values"`
	Made   bool     `json:"made" doc:"synthesised from A records (DNS64)"`
	Left   int64    `json:"left" doc:"seconds"`
}

// BorderCounter is a number with its name.
type BorderCounter struct {
	Name    string `json:"name"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes,omitempty"`
}

// BorderQuestion is what the doctor tests besides the border router itself.
type BorderQuestion struct {
	Server string `json:"server,omitempty" maxLength:"300" example:"coaps://lwm2m.example" doc:"LwM2M server to try"`
	Name   string `json:"name,omitempty" maxLength:"253" example:"example.com" doc:"name to resolve"`
}

// BorderReport is what the doctor found.
type BorderReport struct {
	Took int64       `json:"took" doc:"milliseconds"`
	OK   bool        `json:"ok"`
	Legs []BorderLeg `json:"legs"`
}

// BorderLeg is one leg of the way out.
type BorderLeg struct {
	Name  string `json:"name" example:"NAT64"`
	State string `json:"state" enum:"ok,warn,broken,skipped"`
	Found string `json:"found" doc:"what was found"`
	Do    string `json:"do,omitempty" doc:"what to do"`
	Took  int64  `json:"took" doc:"milliseconds"`
}

// borderQuestion may be left out: the body of a request.
type borderQuestion struct{ Body *BorderQuestion }

func (a *API) borderRoutes() {
	const tag = "Border router"
	b := a.c.Border
	huma.Register(a.huma, op("GET", "/border", "border.get", access.Read, tag, "Prefixes, routes, NAT64 mappings and the DNS cache of the border router"), func(ctx context.Context, _ *empty) (*body[*BorderStatus], error) {
		s, err := b.Border(ctx)
		if err != nil {
			return nil, seatProblem(err)
		}
		return answer(s), nil
	})
	huma.Register(a.huma, op("POST", "/border/doctor", "border.doctor", access.Operate, tag, "Test each leg of the way out, and say which is broken and what to do"), func(ctx context.Context, in *borderQuestion) (*body[*BorderReport], error) {
		var q BorderQuestion
		if in.Body != nil {
			q = *in.Body
		}
		r, err := b.Doctor(ctx, q)
		if err != nil {
			return nil, seatProblem(err)
		}
		return answer(r), nil
	})
}
