// Package trace is one exchange, followed: from the click on the page through REST, LwM2M, CoAP, DTLS, IPv4, NAT64, IPv6 and
// 6LoWPAN over each radio hop to the device, and back; or from a device that registers or notifies to the server. The values here are what the page Traces draws and what the REST
// interface shows; whoever follows an exchange fills them.
package trace

import (
	"errors"
	"time"
)

// Trace is one operation. Times in it are microseconds since At.
type Trace struct {
	ID       string    `json:"id"`
	Title    string    `json:"title" example:"Read /3303/0"`
	Endpoint string    `json:"endpoint"`
	Node     int       `json:"node,omitempty" doc:"the device's number in the mesh"`
	Kind     string    `json:"kind" enum:"operation,device,notification" doc:"somebody asked for it at the server, or the device began it: to register, update or send, or to notify"`
	Op       string    `json:"op" example:"read" doc:"the operation; of a device: register, update, deregister, send, notify"`
	Path     string    `json:"path" example:"/3303/0"`
	At       time.Time `json:"at"`
	Took     int64     `json:"took" doc:"microseconds; 0 while it runs"`
	State    string    `json:"state" enum:"running,done,failed"`
	Code     string    `json:"code,omitempty" example:"2.05 Content"`
	Retries  int       `json:"retries" doc:"frames that were sent again"`
	Frames   int       `json:"frames" doc:"on the air, with their acknowledgements left out"`
	OnAir    int       `json:"onAir" doc:"bytes of those frames"`
	Route    []int     `json:"route,omitempty" doc:"nodes from the border router to the device"`
	Lanes    []Lane    `json:"lanes,omitempty" doc:"layers and hops, from the page down to the device"`
	Spans    []Span    `json:"spans,omitempty" doc:"in the order of their beginning"`
	Parts    []Part    `json:"parts,omitempty" doc:"where the time went, the largest first"`
	Layers   []Layer   `json:"layers,omitempty" doc:"what each layer added to what the device said"`
}

// Kinds of exchanges.
const (
	Operation    = "operation"
	ByDevice     = "device"
	Notification = "notification"
)

// Page is what a page has measured of an operation that it asked for, in microseconds of its own clock.
type Page struct {
	Before  int64 `json:"before" minimum:"0" maximum:"60000000" doc:"from the click to the request's leaving"`
	Request int64 `json:"request" minimum:"0" maximum:"600000000" doc:"from there until the answer was read"`
	After   int64 `json:"after" minimum:"0" maximum:"60000000" doc:"from there until it was shown"`
}

// Lane is one layer at one place, or one radio hop.
type Lane struct {
	Name  string `json:"name" example:"DTLS 1.2"`
	Where string `json:"where" example:"heddle server"`
	Kind  string `json:"kind" enum:"page,rest,lwm2m,coap,dtls,ipv4,nat64,ipv6,6lowpan,hop,device"`
	From  int    `json:"from,omitempty" doc:"node of a hop, on the border router's side"`
	To    int    `json:"to,omitempty"`
}

// Span is something that one lane did, or waited for.
type Span struct {
	ID      int     `json:"id" doc:"from 1"`
	Cause   int     `json:"cause,omitempty" doc:"the span that this one follows from"`
	Lane    int     `json:"lane" doc:"index in lanes"`
	Kind    string  `json:"kind" enum:"request,answer,wait,work,poll,whole" doc:"whole: the lane's part from begin to end"`
	Begin   int64   `json:"begin"`
	End     int64   `json:"end"`
	Label   string  `json:"label" example:"CON 0x5a1c GET, 22 B"`
	Short   string  `json:"short,omitempty" doc:"what fits into a narrow bar" example:"109 B"`
	Bytes   int     `json:"bytes,omitempty"`
	Try     int     `json:"try,omitempty" doc:"of a frame: 2 is the first retry"`
	Lost    bool    `json:"lost,omitempty" doc:"nobody acknowledged it"`
	RSSI    int8    `json:"rssi,omitempty" doc:"dBm at the receiver"`
	Channel uint8   `json:"channel,omitempty"`
	Fields  []Field `json:"fields,omitempty" doc:"the bytes, decoded in order"`
	Raw     string  `json:"raw,omitempty" doc:"the bytes, hexadecimal; without what is secret"`
}

// Field is some bytes of a span with their meaning.
type Field struct {
	Name  string `json:"name" example:"security"`
	Value string `json:"value" example:"level 5, key 1, counter 37163"`
	At    int    `json:"at" doc:"offset in raw"`
	Len   int    `json:"len"`
	Kind  string `json:"kind" enum:"header,security,mesh,fragment,payload,check"`
}

// Part is a share of the time.
type Part struct {
	Kind string `json:"kind" enum:"wait,radio,device,page,server,network"`
	Name string `json:"name" example:"waiting for the sleepy child"`
	Took int64  `json:"took"`
}

// Layer is how large what the device said is at one layer.
type Layer struct {
	Name  string `json:"name" example:"DTLS"`
	Note  string `json:"note,omitempty" example:"CID, CCM_8"`
	Bytes int    `json:"bytes"`
	Air   bool   `json:"air,omitempty" doc:"the sum of all frames"`
}

// ErrUnknown is of a trace that is not remembered.
var ErrUnknown = errors.New("no such exchange is remembered")
