package server

import (
	"errors"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// query is the parameters of a Register or Update (section 6.2.1 and 6.2.2), in whatever order they came. Its slices
// borrow the message.
type query struct {
	ep, sms    []byte
	version    lwm2m.Version
	lifetime   time.Duration
	binding    lwm2m.Binding
	params     int // bytes of the unknown ones
	hasEP      bool
	hasVersion bool
	hasLife    bool
	hasBinding bool
	hasSMS     bool
	queue      bool
}

var (
	errQueryTwice    = errors.New("a parameter appears twice")
	errQueryEndpoint = errors.New("ep is empty, too long, or not printable UTF-8")
	errQueryVersion  = errors.New("lwm2m is not a version such as 1.1")
	errQueryLifetime = errors.New("lt is not a number of seconds below 2^32")
	errQueryBinding  = errors.New("b is not a binding such as U or UQ")
	errQuerySMS      = errors.New("sms is not a number")
	errQueryParams   = errors.New("the unknown parameters are too long")
	errQueryQueue    = errors.New("Q takes no value")
)

// parse reads the Uri-Query options. Unknown parameters are counted, not refused: devices send their own.
func (q *query) parse(options coap.Options, limits *Limits) error {
	*q = query{}
	for i := range options {
		if options[i].Number != coap.URIQuery {
			continue
		}
		name, value, hasValue := cutByte(options[i].Value, '=')
		var err error
		switch string(name) {
		case "ep":
			err = once(&q.hasEP)
			if q.ep = value; !validEndpoint(value, limits.Endpoint) {
				err = errQueryEndpoint
			}
		case "lwm2m":
			err = once(&q.hasVersion)
			var ok bool
			if q.version, ok = parseVersion(value); !ok {
				err = errQueryVersion
			}
		case "lt":
			err = once(&q.hasLife)
			seconds, ok := parseSeconds(value)
			if !ok {
				err = errQueryLifetime
			}
			q.lifetime = time.Duration(seconds) * time.Second
		case "b":
			err = once(&q.hasBinding)
			var ok bool
			if q.binding, ok = parseBinding(value); !ok {
				err = errQueryBinding
			}
		case "Q":
			err = once(&q.queue)
			if hasValue {
				err = errQueryQueue
			}
		case "sms":
			err = once(&q.hasSMS)
			if q.sms = value; !validMSISDN(value) {
				err = errQuerySMS
			}
		default:
			q.params += len(options[i].Value) + 1
			if q.params > limits.Params || !lwm2m.Printable(options[i].Value) {
				err = errQueryParams
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parseVersion and parseBinding know what nearly every device sends without the price of a string.
func parseVersion(b []byte) (lwm2m.Version, bool) {
	switch string(b) {
	case "1.0":
		return lwm2m.V1_0, true
	case "1.1":
		return lwm2m.V1_1, true
	}
	v, err := lwm2m.ParseVersion(string(b))
	return v, err == nil
}

func parseBinding(b []byte) (lwm2m.Binding, bool) {
	switch string(b) {
	case "U":
		return lwm2m.BindingUDP, true
	case "UQ":
		return lwm2m.BindingUDP | lwm2m.BindingQueue, true
	}
	v, err := lwm2m.ParseBinding(string(b))
	return v, err == nil
}

// appendParams appends the unknown parameters as "a=b&c".
func appendParams(dst []byte, options coap.Options) []byte {
	for i := range options {
		if options[i].Number != coap.URIQuery {
			continue
		}
		name, _, _ := cutByte(options[i].Value, '=')
		switch string(name) {
		case "ep", "lwm2m", "lt", "b", "Q", "sms":
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, options[i].Value...)
	}
	return dst
}

func once(seen *bool) error {
	if *seen {
		return errQueryTwice
	}
	*seen = true
	return nil
}

func cutByte(b []byte, sep byte) (before, after []byte, found bool) {
	for i, c := range b {
		if c == sep {
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

// validEndpoint takes what can be shown in one line and be part of a URL and a key of a table.
func validEndpoint(b []byte, limit int) bool {
	return len(b) > 0 && len(b) <= limit && lwm2m.Printable(b)
}

// logged is how many bytes of a stranger's text go to the operator's log.
const logged = 64

// parseSeconds takes up to 2^32-1, the most that any client library can hold.
func parseSeconds(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 10 {
		return 0, false
	}
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = 10*n + uint64(c-'0')
	}
	return n, n < 1<<32
}

func validMSISDN(b []byte) bool {
	if len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	for _, c := range b {
		if c-'0' > 9 {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 20
}
