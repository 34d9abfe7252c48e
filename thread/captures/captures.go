// Package captures gives tests the recordings of real OpenThread nodes under thread/testdata/captures (see the README
// there). It is for tests only.
package captures

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"heddle.example/machine"
	"heddle.example/thread/testdata"
)

// The keys of all recordings; dataset-change has Key2 as well.
var (
	Key  = [16]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	Key2 = [16]byte{0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00}
)

// Names are the recordings.
var Names = []string{"form-attach-promote", "ping-3-line", "commission-join", "sleepy-poll", "dataset-change", "address-query"}

// Frame is one frame of a recording.
type Frame struct {
	At      machine.Time // since the recording's start
	Node    int          // who sent it
	Channel uint8
	PSDU    []byte
}

// Load returns the frames of a recording.
func Load(name string) ([]Frame, error) {
	b, err := fs.ReadFile(testdata.Captures, "captures/"+name+".tsv")
	if err != nil {
		return nil, err
	}
	var list []Frame
	for line := range strings.Lines(string(b)) {
		var f Frame
		var sec float64
		var text string
		if _, err := fmt.Sscan(line, &sec, &f.Node, &f.Channel, &text); err != nil {
			return nil, fmt.Errorf("captures: %s: %q: %w", name, line, err)
		}
		if f.PSDU, err = hex.DecodeString(text); err != nil {
			return nil, fmt.Errorf("captures: %s: %w", name, err)
		}
		f.At = machine.Time(sec * 1e9)
		list = append(list, f)
	}
	return list, nil
}
