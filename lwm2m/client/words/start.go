package words

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"heddle.example/lwm2m/client"
)

// StartUsage is how lwstart is written.
const StartUsage = "lwstart [-n NAME] [-l PORT] [-h HOST] [-p PORT] [-t TIME] [-b] [-c] [-i IDENTITY] [-s HEXKEY]"

// ShortServerID is what a device without bootstrap calls its server.
const ShortServerID = 123

// Options are what lwstart can say.
type Options struct {
	Name      string
	Local     uint16 // local UDP port; 0: any
	Host      string // a name or an address, IPv6 with or without brackets
	Port      uint16 // 0: by security and bootstrap
	Lifetime  uint32 // seconds; 0: without end
	Bootstrap bool   // the host is a bootstrap server
	Battery   bool   // the battery level changes every 10 s
	Identity  string // PSK identity
	Key       string // hexadecimal; "": no security
	Secure    bool   // security without a pre-shared key: whoever asks for the account adds what proves it
	HoldOff   uint32 // seconds before a bootstrap
}

// Defaults are the options of a bare lwstart.
func Defaults() Options {
	return Options{Name: "testlwm2mclient", Host: "::1", Lifetime: 300, HoldOff: 10}
}

// ParseKey reads a key. The message is the one of the first device of this kind.
func ParseKey(s string) ([]byte, error) {
	key, err := hex.DecodeString(s)
	if err != nil {
		return nil, errors.New("Failed to parse Pre-Shared-Key " + s)
	}
	return key, nil
}

// Account makes the one account that the options give.
func (o *Options) Account() (client.Account, error) {
	a := client.Account{
		Bootstrap: o.Bootstrap, ShortID: ShortServerID, Lifetime: time.Duration(o.Lifetime) * time.Second,
		HoldOff: time.Duration(o.HoldOff) * time.Second, Unmuted: true,
	}
	if o.Lifetime == 0 {
		a.Lifetime = -1
	}
	port, secure := o.Port, o.Key != "" || o.Secure
	if o.Key != "" {
		key, err := ParseKey(o.Key)
		if err != nil {
			return client.Account{}, err
		}
		if o.Identity == "" {
			return client.Account{}, errors.New("a pre-shared key needs an identity: -i TEXT")
		}
		a.Identity, a.Key = o.Identity, key
	} else if o.Identity != "" {
		return client.Account{}, errors.New("an identity needs a pre-shared key: -s HEX")
	}
	if port == 0 {
		switch {
		case secure:
			port = 5684
		case o.Bootstrap:
			port = 5685
		default:
			port = 5683
		}
	}
	a.URI = client.ServerURI(secure, o.Host, port)
	return a, nil
}

// ParseStart reads the arguments of lwstart over defaults: letters as in StartUsage, a value behind its letter with or
// without a blank, letters without values in one word.
func ParseStart(args []string, o Options) (Options, error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if len(word) < 2 || word[0] != '-' {
			return o, fmt.Errorf("InvalidArgs: %s; usage: %s", word, StartUsage)
		}
		for word = word[1:]; word != ""; {
			letter := word[0]
			word = word[1:]
			if letter == 'b' || letter == 'c' {
				o.Bootstrap, o.Battery = o.Bootstrap || letter == 'b', o.Battery || letter == 'c'
				continue
			}
			if !strings.ContainsRune("nlhptis", rune(letter)) {
				return o, fmt.Errorf("InvalidArgs: -%c; usage: %s", letter, StartUsage)
			}
			value := word
			if word = ""; value == "" {
				if len(args) == 0 {
					return o, fmt.Errorf("InvalidArgs: -%c needs a value; usage: %s", letter, StartUsage)
				}
				value, args = args[0], args[1:]
			}
			if err := o.set(letter, value); err != nil {
				return o, err
			}
		}
	}
	return o, nil
}

func (o *Options) set(letter byte, value string) error {
	bits := 16
	if letter == 't' {
		bits = 32
	}
	switch letter {
	case 'n':
		o.Name = value
	case 'h':
		o.Host = value
	case 'i':
		o.Identity = value
	case 's':
		o.Key = value
	default:
		n, err := strconv.ParseUint(value, 10, bits)
		if err != nil {
			return fmt.Errorf("InvalidArgs: -%c %s is no number from 0 to %d", letter, value, uint64(1)<<bits-1)
		}
		switch letter {
		case 'l':
			o.Local = uint16(n)
		case 'p':
			o.Port = uint16(n)
		case 't':
			o.Lifetime = uint32(n)
		}
	}
	return nil
}
