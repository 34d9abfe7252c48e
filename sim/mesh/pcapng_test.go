package mesh

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heddle.example/machine"
)

// A parent request that a real node recorded: encrypted with the MLE key of 00112233445566778899aabbccddeeff.
const parentRequest = "41d822cdabffff01000000003322117f3b02f04d4c4d4c6932001500000000000000000157da13be957c6d28f3405f76a896b693bd7d4458aeb2230f1a78be"

func TestPcapng(t *testing.T) {
	var b bytes.Buffer
	key, _ := hex.DecodeString("00112233445566778899aabbccddeeff")
	psdu, _ := hex.DecodeString(parentRequest)
	p := NewPcapng(&b, KeyComment(key, "fd00:db8::/64"))
	p.Frame(machine.Time(1e9), "node 1", 15, -20, psdu)
	p.Frame(machine.Time(2e9), "node 2", 26, -85, psdu)
	p.Frame(machine.Time(3e9), "node 1", 15, -20, psdu)
	if p.Err() != nil || p.Frames() != 3 || b.Len()%4 != 0 {
		t.Fatal(p.Err(), p.Frames(), b.Len())
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark: only the writer was tested")
	}
	file := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tshark, "-r", file, "-o", `uat:ieee802154_keys:"00112233445566778899aabbccddeeff","1","Thread hash"`,
		"-o", "thread.thr_use_pan_id_in_key:FALSE", "-o", "thread.thr_auto_acq_thr_seq_ctr:TRUE", "-T", "fields",
		"-e", "frame.interface_name", "-e", "wpan-tap.ch_num", "-e", "wpan-tap.rss", "-e", "mle.cmd", "-e", "frame.time_epoch").Output()
	if err != nil {
		t.Fatal(err, string(out))
	}
	want := "node 1\t15\t-20\t9\t1.0\nnode 2\t26\t-85\t9\t2.0\nnode 1\t15\t-20\t9\t3.0\n"
	if got := strings.ReplaceAll(string(out), "00000000\n", "\n"); got != want {
		t.Errorf("tshark reads\n%swant\n%s", got, want)
	}
}
