package cli

import (
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"heddle": func() { os.Exit(Main(os.Args[1:])) }})
}

// TestScripts runs the command lines in testdata, each with all that it is to print.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
			e.Setenv("HOME", e.WorkDir)
			// A port of each kind that another program has.
			udp, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			tcp, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				udp.Close()
				return err
			}
			e.Defer(func() { udp.Close(); tcp.Close() })
			e.Setenv("BUSYUDP", udp.LocalAddr().String())
			e.Setenv("BUSYTCP", tcp.Addr().String())
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await,
		},
	})
}

// await waits until a file is there: await data/admin.sock.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	name := ts.MkAbs(args[0])
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(name); err == nil {
			return
		}
		if time.Now().After(end) {
			ts.Check(fmt.Errorf("%s did not appear", args[0]))
		}
	}
}
