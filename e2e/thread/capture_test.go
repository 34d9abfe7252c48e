//go:build peers

package thread

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"heddle.example/e2e/peer"
)

// tshark writes all frames that were on the air to a file and returns a reader of it that has the network's keys.
func (v *virtual) tshark(keys ...string) peer.Tshark {
	v.t.Helper()
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xA1B2C3D4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	for _, x := range []uint32{0, 0, 65535, 195} { // LINKTYPE_IEEE802_15_4_WITHFCS
		b = le.AppendUint32(b, x)
	}
	for _, h := range v.air {
		n := uint32(len(h.data) - 1)
		for _, x := range []uint32{uint32(h.at / 1e6), uint32(h.at % 1e6), n, n} {
			b = le.AppendUint32(b, x)
		}
		b = append(b, h.data[1:]...)
	}
	file := filepath.Join(v.t.TempDir(), "air.pcap")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		v.t.Fatal(err)
	}
	// SRP is told by the range of its ports: else a message whose random number looks like RTCP is taken for that.
	k := peer.Tshark{File: file,
		DecodeAs: []string{"udp.port==61631,coap", "udp.port==53535-53554,dns"}, Options: []string{
			"6lowpan.context0:fd00:db8::/64", "6lowpan.context1:fd11:22::/64",
			"thread.thr_use_pan_id_in_key:FALSE", "thread.thr_auto_acq_thr_seq_ctr:TRUE"}}
	for _, key := range append(keys, networkKey) {
		k.Options = append(k.Options, fmt.Sprintf(`uat:ieee802154_keys:"%s","1","Thread hash"`, key))
	}
	return k
}

// check has tshark read all frames: it finds none of ours malformed, and none whose checksum is wrong.
func (v *virtual) check(keys ...string) {
	v.t.Helper()
	k := v.tshark(keys...)
	k.Filter = "_ws.malformed || wpan.fcs_ok == 0 || udp.checksum.status == 0 || icmpv6.checksum.status == 0"
	bad := 0
	for _, row := range k.Fields(v.t, "frame.number", "_ws.col.Protocol", "_ws.col.Info", "_ws.expert.message") {
		i, err := strconv.Atoi(row[0])
		if err != nil || i < 1 || i > len(v.air) {
			v.t.Fatalf("tshark's frame %q", row)
		}
		if h := v.air[i-1]; h.from.maker == ours {
			v.t.Errorf("frame %d of %v at %d us is not well-formed: %s\n%x", i, h.from, h.at, strings.Join(row[1:], " "), h.data[1:])
			if bad++; bad == 5 {
				break
			}
		}
	}
}
