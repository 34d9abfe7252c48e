//go:build peers

package e2e

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// packed is a firmware package of the project's own form.
func packed(t *testing.T, name, version string, size int) []byte {
	t.Helper()
	dir := t.TempDir()
	image := make([]byte, size)
	rand.Read(image)
	in, out := filepath.Join(dir, "image"), filepath.Join(dir, "package")
	if err := os.WriteFile(in, image, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(peer.Program(t), "firmware", "pack", "--name", name, "--version", version, "-o", out, in).CombinedOutput(); err != nil {
		t.Fatalf("heddle firmware pack: %v\n%s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// addPackage puts a package on a server.
func addPackage(t *testing.T, s *peer.Server, name, version string, size int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, packed(t, name, version, size), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(peer.Program(t), "firmware", "add", "--data", s.Data, file).CombinedOutput(); err != nil {
		t.Fatalf("heddle firmware add: %v\n%s", err, b)
	}
}

// A firmware update on the page: the package goes up and has its hash, an update is started for the devices of a tag, each
// is followed to its end, and what failed says why and what to do.
func TestFirmwareInTheBrowser(t *testing.T) {
	s := peer.HeddleServer(t)
	host, port, _ := strings.Cut(s.CoAP, ":")
	for _, d := range [][]string{{"lamp-1"}, {"lamp-2"}, {"lamp-3", "--firmware", "size=1000"}} {
		peer.Heddle(t, append([]string{"client", "-n", d[0], "-h", host, "-p", port, "--data", t.TempDir()}, d[1:]...)...)
		s.AwaitClient(d[0])
	}
	for _, ep := range []string{"lamp-2", "lamp-3"} {
		if a := s.REST("PUT", "/api/v1/clients/"+ep+"/notes", values{"tags": []string{"pilot"}}); a.Status/100 != 2 {
			t.Fatalf("tags: %d %s", a.Status, a.Raw)
		}
	}
	p := peer.Browser(t)
	base := administrator(p, s)
	p.Press("Firmware")
	p.See("No package yet")
	p.Press("Add package")
	content := packed(t, "lamp", "2.0", 40_000)
	p.Upload("#fwfile", "anything.bin", content)
	p.Await("name and version of the container", `document.querySelector('#fwname').value === 'lamp' && document.querySelector('#fwver').value === '2.0'`)
	p.Click("footer .primary")
	p.See("lamp 2.0 is stored")
	sum := sha256.Sum256(content)
	p.See(hex.EncodeToString(sum[:]))
	p.Axe("firmware package")

	// One device, from its own page.
	p.Open(base + "#/clients/lamp-1")
	p.Press("More for lamp-1")
	p.Press("Update firmware")
	p.See("Start a firmware update")
	p.Await("the device is named", `document.querySelector('dialog textarea')?.value === 'lamp-1'`)
	p.Click("footer .primary")
	p.SeeIn(".up", "lamp-1")
	p.SeeIn(".up", "done")
	p.SeeIn(".up", "runs 2.0")
	p.SeeIn(".urow", "done")
	if v := s.Read("lamp-1", "/3/0/3"); v != "2.0" {
		t.Errorf("the device runs %s", v)
	}

	// Many, by a tag; one of them has no room.
	p.Press("Start an update")
	p.See("Start a firmware update")
	p.Press("By tag")
	p.Await("the tags are there", `document.querySelectorAll('dialog .who option').length > 1`)
	p.Value(`(() => { const s = document.querySelector('dialog .who select'); s.value = 'pilot'; s.dispatchEvent(new Event('change', { bubbles: true })) })()`)
	p.SeeIn("dialog .who", "2 devices")
	p.Axe("firmware start")
	p.Click("footer .primary")
	p.SeeIn(".up", "lamp-2")
	p.SeeIn(".up", "runs 2.0")
	p.SeeIn(".up", "failed")
	p.SeeIn(".up dl", "not enough flash memory")
	p.SeeIn(".up dl", "larger than the room")
	p.SeeIn(".urow", "1 of 2 done, 1 failed")
	p.Axe("firmware")
	p.Shot("story-firmware")
	p.Size(360, 740)
	p.Axe("firmware, narrow")
	if p.Value("document.documentElement.scrollWidth > innerWidth") == "true" {
		t.Error("the page is wider than its window")
	}
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}
