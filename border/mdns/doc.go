// Package mdns is multicast DNS on one link (RFC 6762), with services in it (RFC 6763): a Speaker publishes hosts and their
// services, proves that their names are nobody else's and defends them, and asks for what others publish.
//
// It sends to both groups, 224.0.0.251 and ff02::fb, or back to who has asked; what comes to another address than a group's is
// nothing for it. It asks for no answers by unicast: a second speaker of this computer might get them.
package mdns

import (
	"net/netip"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// Port is the UDP port of multicast DNS.
const Port = 5353

// Local is the domain of all names.
const Local = "local"

var (
	local = dns.MustName(Local)
	types = dns.MustName("_services._dns-sd._udp.local") // RFC 6763 section 9
)

// The times of RFC 6762, by section.
const (
	probeWait     = 250 * time.Millisecond // 8.1: before the first probe at most, between probes, and after the last one
	probes        = 3
	tieWait       = time.Second      // 8.2: of who loses the tie
	calmAfter     = 15               // 8.1: conflicts within conflictTime
	conflictTime  = 10 * time.Second // ...
	calmWait      = 5 * time.Second  // ... have the next attempt wait
	announcements = 2                // 8.3
	announceWait  = time.Second
	shareWait     = 20 * time.Millisecond  // 6: before an answer that others may have, too, at least
	shareJitter   = 100 * time.Millisecond // ... and how much longer
	moreWait      = 400 * time.Millisecond // 7.2: for more known answers
	repeatWait    = time.Second            // 6: between two multicasts of a record
	defendWait    = 250 * time.Millisecond // ... if a probe asks
	askInterval   = time.Second            // 5.2: between the first two queries, doubled then
	flushWait     = time.Second            // 10.1, 10.2: until what was taken back is forgotten
	hostTTL       = 120                    // 10: of records with a host's name or address in them
	otherTTL      = 4500
	legacyTTL     = 10     // 6.7
	flush         = 0x8000 // 10.2: class bit of records that nobody else has
	wantsUnicast  = 0x8000 // 5.4: class bit of questions
	flagsAnswer   = dns.FlagResponse | 1<<10
	flagsTC       = dns.FlagTruncated
)

// Limits of what others can make grow, and of a message.
const (
	maxMessage   = 1440
	maxReceived  = 9000 // 17
	maxQuestions = 64   // of one message
	maxKnown     = 256  // known answers of one message
	maxAtOnce    = 64   // names that are probed and announced together
	maxMore      = 64   // records that are said though nobody has asked for them yet
	maxHeld      = 16   // queries whose known answers are awaited
	maxReply     = 512  // records that wait to be sent
	maxRenames   = 20   // in a row; then the speaker waits for a while
	renameRest   = 5 * time.Minute
	maxAsked     = 64 // questions of ours that are remembered
	maxAnswers   = 64 // of one of them
	maxEchoes    = 32 // messages of ours that come back to us
	echoTime     = time.Second
)

// Env is what a Speaker needs of the world. Messages are borrowed until return.
type Env interface {
	// Send sends a message to both groups, or, where to is valid, to one host.
	Send(now machine.Time, to netip.AddrPort, b []byte)
	// Answered is told that Lookup has more to say than before.
	Answered(now machine.Time)
}

// Message is one of the link's, that came to a group.
type Message struct {
	From netip.AddrPort
	Own  bool // its source is an address of this computer: it may be one of ours
	Data []byte
}

// Counters say what a Speaker has done.
type Counters struct {
	Received, Malformed, Echoes  uint64
	Queries, Answers             uint64 // sent
	Probes, Announcements, Byes  uint64 // sent
	Conflicts, Renames, TiesLost uint64
	NoRoom                       uint64 // what was dropped because of a limit
}
