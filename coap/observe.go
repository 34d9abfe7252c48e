package coap

import "time"

// Values of the Observe option in a request (RFC 7641 section 2).
const (
	ObserveRegister   = 0
	ObserveDeregister = 1
)

// MaxSequence is the largest sequence number of a notification.
const MaxSequence = 1<<24 - 1

// Fresher reports whether a notification with sequence number seq that arrives elapsed after one with number last is the
// newer one (RFC 7641 section 3.4).
func Fresher(last, seq uint32, elapsed time.Duration) bool {
	const half = 1 << 23
	return last < seq && seq-last < half || last > seq && last-seq > half || elapsed > 128*time.Second
}
