package mle

import (
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// Peek returns what a message is about, for who watches the air with the network's key. It changes nothing.
func Peek(key *ieee802154.Key, src, dst ip6.Address, message []byte) (Command, bool) {
	if len(message) > 1 && message[0] == noSecurity {
		return Command(message[1]), true
	}
	h, sealed, err := parseHeader(message)
	if err != nil {
		return 0, false
	}
	plain, ok := h.open(nil, key, src, dst, sealed)
	if !ok || len(plain) == 0 {
		return 0, false
	}
	return Command(plain[0]), true
}
