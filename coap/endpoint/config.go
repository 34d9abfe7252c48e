package endpoint

import (
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// Config configures an Endpoint. Zero fields take the defaults of RFC 7252 section 4.8 and of Default.
type Config struct {
	Nest *machine.Nest // of the outer machine; nil: this is the outermost one
	Rand machine.Rand

	AckTimeout      time.Duration // 2 s; longer on slow meshes
	AckRandomFactor float64       // 1.5
	MaxRetransmit   int           // 4; -1: none
	NStart          int           // exchanges with one peer at once: 1
	AckDelay        time.Duration // a request is acknowledged by itself when no answer came so soon: 200 ms

	BlockSize int // 16 to 1024; default 1024
	// MaxMessage says what the layer below carries on a path, in bytes: blocks get smaller where it is less than BlockSize
	// and headers need. Nil, or 0 for a path: no limit.
	MaxMessage func(path *machine.Path) int

	MaxBody int // of a block-wise body; default 1 MiB

	MaxPeers         int // heard of within EXCHANGE_LIFETIME, about 500 bytes each; default 200,000
	MaxCalls         int // own requests without a result; default 100,000
	MaxQueue         int // of them waiting for one peer's NStart; default 256
	MaxExchanges     int // requests of peers that wait for Respond; default 10,000
	MaxPeerExchanges int // ... of one peer; default 64
	MaxObservations  int // default 1,000,000
	MaxSubscriptions int // default 100,000
	MaxPeerSubs      int // ... of one peer; default 256
	MaxAssemblies    int // Block1 bodies on their way from one peer; default 4
	MaxBodies        int // Block2 bodies kept for one peer's further requests; default 4
	MaxStored        int // bytes of bodies and remembered answers of all peers; default 64 MiB

	// Streams says which requests' Block1 bodies are handed up block by block instead of as a whole, so that a body of
	// megabytes is never here. Nil: none.
	Streams func(code coap.Code, options coap.Options) bool

	// Understands says which critical request options the program handles, beyond Uri-*, Accept and Block*. Nil: none.
	Understands func(coap.OptionNumber) bool

	// TellDelivered asks for an event *Delivered for each confirmable notification that was acknowledged.
	TellDelivered bool
}

// Lifetimes of RFC 7252 section 4.8.2 at the default parameters.
const (
	ExchangeLifetime = 247 * time.Second
	NonLifetime      = 145 * time.Second
)

// maxRemembered is the largest answer that is kept for duplicates (RFC 7252 section 4.5 leaves it open): one block. The
// last block of a request's body is answered from memory, since the body is gone, and with FETCH that answer is the first
// block of another body.
const maxRemembered = 1024 + headerRoom

// headerRoom is what a message needs beside a block: header, token, and the options of our own requests and answers.
const headerRoom = 128

// BlockSize returns the size of the blocks on a path.
func (e *Endpoint) BlockSize(path machine.Path) int { return 16 << e.szx(&path) }

// szx returns the size exponent of the blocks on a path.
func (e *Endpoint) szx(path *machine.Path) uint8 {
	size := e.config.BlockSize
	if e.config.MaxMessage != nil {
		if limit := e.config.MaxMessage(path); limit > 0 {
			size = min(size, max(limit-headerRoom, 16))
		}
	}
	return coap.SZX(size)
}

func (c *Config) setDefaults() {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	if c.AckTimeout == 0 {
		c.AckTimeout = 2 * time.Second
	}
	if c.AckRandomFactor < 1 {
		c.AckRandomFactor = 1.5
	}
	if c.AckDelay == 0 {
		c.AckDelay = 200 * time.Millisecond
	}
	def(&c.MaxRetransmit, 4)
	def(&c.NStart, 1)
	def(&c.BlockSize, 1024)
	def(&c.MaxBody, 1<<20)
	def(&c.MaxPeers, 200_000)
	def(&c.MaxCalls, 100_000)
	def(&c.MaxQueue, 256)
	def(&c.MaxExchanges, 10_000)
	def(&c.MaxPeerExchanges, 64)
	def(&c.MaxObservations, 1_000_000)
	def(&c.MaxSubscriptions, 100_000)
	def(&c.MaxPeerSubs, 256)
	def(&c.MaxAssemblies, 4)
	def(&c.MaxBodies, 4)
	def(&c.MaxStored, 64<<20)
	c.BlockSize = 16 << coap.SZX(c.BlockSize)
	c.MaxRetransmit = max(c.MaxRetransmit, 0)
}
