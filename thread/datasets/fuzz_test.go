package datasets

import (
	"testing"
	"time"

	"heddle.example/thread/ip6"
)

// FuzzRequests sends anything to each resource of a leader, which must stand, and keep its datasets valid.
func FuzzRequests(f *testing.F) {
	f.Add(uint8(5), unhex("0e08 0000000000020000 0304 6e616d65"))
	f.Add(uint8(8), unhex("0a03 6f6e65"))
	f.Add(uint8(3), unhex("0b02123435060004001800003601023702002038020000"))
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		w := &world{}
		n := w.add("leader", "leader", 0x0c00, recorded)
		n.commissioning = unhex("0b021234")
		list := n.Resources(true)
		r := list[int(which)%len(list)]
		for i := range 3 {
			answer, ok := r.Handle(w.now, ip6.RLOC(n.Params().MeshLocalPrefix, uint16(i)<<10), b, nil)
			if len(answer) > 1100 || !ok && len(answer) > 0 {
				t.Fatalf("%s: %x", r.Path, answer)
			}
			if d, ok := n.Active(w.now); !ok || d.Validate() != nil {
				t.Fatalf("%s: active %x", r.Path, d.Bytes())
			}
			if d, ok := n.Pending(w.now); ok && d.Validate() != nil {
				t.Fatalf("%s: pending %x", r.Path, d.Bytes())
			}
			w.run(100 * time.Millisecond)
		}
	})
}
