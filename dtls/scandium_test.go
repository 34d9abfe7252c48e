//go:build peers

package dtls

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Scandium, Californium's DTLS, is the peer that has all our suites, connection IDs, the extended master secret and
// resumption: version 4 as in Leshan 2, version 2 as in Leshan 1 (connection IDs of the draft, no extended master
// secret). The programs in testdata do what lines of standard input say.

func scandium(t *testing.T, version int) *tool {
	t.Helper()
	release := map[int]string{4: "4.0.0-M6", 2: "2.8.0"}[version]
	// The Java peers of e2e are built on the two releases of Leshan that bring them along.
	lib := filepath.Join("..", "e2e", "peers", map[int]string{4: "leshan2", 2: "leshan1"}[version], "target", "lib")
	var jars []string
	for _, name := range []string{"scandium-" + release, "element-connector-" + release, "slf4j-api-2.0.16", "slf4j-nop-2.0.16"} {
		jar := filepath.Join(lib, name+".jar")
		if _, err := os.Stat(jar); err != nil {
			t.Fatalf("%s is missing: run scripts/set-up-peers", jar)
		}
		jars = append(jars, jar)
	}
	x := start(t, "java", "-Xmx128m", "-cp", strings.Join(jars, ":"), fmt.Sprintf("testdata/scandium%d/Scandium.java", version))
	// It is compiled first, which takes long on a busy computer: no test's time.
	for end := time.Now().Add(2 * time.Minute); !strings.Contains(x.output(), "up"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the Java program does not start")
		}
	}
	return x
}

type scandiumCase struct {
	version int
	suite   Suite
	its     int // length of its connection ID
	ems     bool
	loss    int
}

func scandiumCases() (cases []scandiumCase) {
	for i, suite := range allSuites() {
		cases = append(cases,
			scandiumCase{4, suite, 0, true, 0},
			scandiumCase{4, suite, 6, i%2 == 0, 0},
			scandiumCase{4, suite, 6, true, 3},
			scandiumCase{2, suite, 0, false, 0},
			scandiumCase{2, suite, 6, false, 3},
		)
	}
	return cases
}

func (c scandiumCase) String() string {
	return fmt.Sprintf("%d/%v/cid=%d/ems=%v/loss=%d", c.version, c.suite, c.its, c.ems, c.loss)
}

// task gives a line to the program and forgets what it has said.
func (x *tool) task(format string, args ...any) {
	x.mu.Lock()
	x.out.Reset()
	x.mu.Unlock()
	fmt.Fprintf(x.in, format+"\n", args...)
}

func TestScandiumClient(t *testing.T) {
	tools := map[int]*tool{4: scandium(t, 4), 2: scandium(t, 2)}
	for _, c := range scandiumCases() {
		t.Run(c.String(), func(t *testing.T) {
			d := newDriver(t, Config{PSK: testPSK, AllowCBC: true, CIDLen: 8, RetransmitInitial: 300 * time.Millisecond})
			lossy(d, c.loss)
			x := tools[c.version]
			x.task("client %d %v %d %v", d.local.Port(), c.suite, c.its, c.ems)
			d.until("Established", func() bool { return lastOf[*Established](d) != nil })
			d.drop = nil
			e := lastOf[*Established](d)
			if e.Suite != c.suite || e.EMS != c.ems || len(e.PeerCID) != c.its || len(e.OwnCID) != 8 ||
				e.Draft != (c.version == 2) {
				t.Errorf("%+v", e)
			}
			if c.loss > 0 { // its data may have been among the lost datagrams
				return
			}
			d.wait("hello from scandium")
			d.write(e.Session, "hello from us")
			d.until("output", func() bool { return strings.Contains(x.output(), "hello from us") })
			if !c.ems || c.version == 2 {
				return
			}
			x.task("again")
			d.wait("hello again from scandium")
			if e := lastOf[*Established](d); !e.Resumed {
				t.Errorf("not resumed: %+v", e)
			}
		})
	}
}

func TestScandiumServer(t *testing.T) {
	tools := map[int]*tool{4: scandium(t, 4), 2: scandium(t, 2)}
	for _, c := range scandiumCases() {
		t.Run(c.String(), func(t *testing.T) {
			port := freePort(t)
			x := tools[c.version]
			x.task("server %d %v %d %v", port, c.suite, c.its, c.ems)
			d := newDriver(t, Config{AllowCBC: true, CIDLen: 0, RetransmitInitial: 300 * time.Millisecond})
			d.until("ready", func() bool { return strings.Contains(x.output(), "ready") })
			lossy(d, c.loss)
			cfg := ClientConfig{Identity: testIdentity, Key: []byte(testKey), Suites: []Suite{c.suite}, DraftCID: c.version == 2}
			to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
			e := d.dial(to, cfg)
			d.drop = nil
			if e.Suite != c.suite || e.EMS != c.ems || len(e.PeerCID) != c.its || e.Draft != (c.version == 2) {
				t.Errorf("%+v", e)
			}
			d.write(e.Session, "hello from us")
			d.wait("hello from us")
			if e.Resume == nil {
				if c.ems {
					t.Error("nothing to resume with")
				}
				return
			}
			cfg.Resume = e.Resume
			e = d.dial(to, cfg)
			if !e.Resumed {
				t.Errorf("not resumed: %+v", e)
			}
			d.write(e.Session, "hello again")
			d.wait("hello again")
		})
	}
}
