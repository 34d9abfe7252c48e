package archtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// outside is a program of somebody else's: a device of its own on lwm2m/client and host.
const outside = `package main

import (
	"context"
	"fmt"

	"heddle.example/host"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

func main() {
	lamp := client.NewObject(&client.Definition{ID: 3311, Multiple: true, Resources: []client.Resource{
		{ID: 5850, Name: "On/Off", Kind: lwm2m.Boolean, Operations: lwm2m.Read | lwm2m.Write, Mandatory: true},
	}})
	lamp.Set("/3311/0/5850", lwm2m.Bool(false))
	h := host.New(host.Options{})
	socket, err := h.Ephemeral(0, "")
	if err != nil {
		panic(err)
	}
	c, err := client.New(client.Config{Endpoint: "lamp", Rand: h.Rand(), Local: socket.Local(),
		Servers: []client.Account{{ShortID: 1, URI: "coap://[::1]:5683"}}, Objects: []client.Object{lamp}})
	if err != nil {
		panic(err)
	}
	device, err := h.Run(c, host.RunOptions{Sockets: []*host.Socket{socket}, OnAction: func(machine.Time, machine.Action) {}})
	if err != nil {
		panic(err)
	}
	_ = device.Do(func(now machine.Time) { c.Start(now, 1) })
	fmt.Println("started")
	_ = device.Stop(context.Background())
}
`

// An outside module builds a client on lwm2m/client and host, runs it, and links nothing but the standard library and us.
func TestOutsideModule(t *testing.T) {
	if strings.Count(outside, "\n") > 40 {
		t.Fatal("the example has more than 40 lines")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.go", outside)
	write("go.mod", "module outside.test\n\ngo 1.26\n\nrequire heddle.example v0.0.0\n\nreplace heddle.example => "+root+"\n")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "CGO_ENABLED=0", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("go", "build", "-o", "lamp", ".")
	for _, pkg := range strings.Fields(run("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")) {
		if pkg != "outside.test" && !strings.HasPrefix(pkg, module) {
			t.Errorf("a client of 40 lines links %s", pkg)
		}
	}
	if out := run(filepath.Join(dir, "lamp")); out != "started\n" {
		t.Errorf("it said %q", out)
	}
}
