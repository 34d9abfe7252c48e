package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"heddle.example/internal/firmware"
	pkg "heddle.example/lwm2m/firmware"
)

// The package that the demo has for its lights.
const (
	packageName    = "light"
	packageVersion = "1.1.0"
	packageSize    = 64 << 10
)

// lightPackage makes it: an image as good as any, since nobody runs it.
func lightPackage(version string) ([]byte, error) {
	image := make([]byte, packageSize)
	for i := range image {
		image[i] = byte(i * i >> 8)
	}
	h := pkg.Header{Name: packageName, Version: version, Image: uint64(len(image)), Digest: sha256.Sum256(image)}
	b, err := h.Append(nil)
	return append(b, image...), err
}

// stockFirmware puts the package on the server, for people to begin an update with. A demo with a data directory has it already.
func (d *Demo) stockFirmware() error {
	if _, err := d.Program.Firmware.Resolve(packageName + "@" + packageVersion); err == nil {
		return nil
	}
	b, err := lightPackage(packageVersion)
	if err != nil {
		return err
	}
	_, err = d.Program.Firmware.Add(bytes.NewReader(b), "", "", "demo")
	return err
}

// updateFirmware uploads a package and updates a light that fetches it over DTLS and one that it is pushed to.
func (c *checker) updateFirmware() (string, error) {
	const version = "1.2.0"
	b, err := lightPackage(version)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(c.ctx, "POST", c.base+"/api/v1/firmware/packages", bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var p firmware.Package
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || resp.StatusCode != 201 {
		return "", fmt.Errorf("the upload was answered %s", resp.Status)
	}
	e, err := c.follow("kinds=firmware")
	if err != nil {
		return "", err
	}
	for endpoint, method := range map[string]string{"lamp-desk": "pull", "lamp-stairs": "push"} {
		var u firmware.Update
		if err := c.call("POST", "/api/v1/firmware/updates", map[string]any{"package": p.ID, "endpoints": []string{endpoint}, "method": method}, &u); err != nil {
			return "", err
		}
		if _, err := e.wait("firmware", `"endpoint":"`+endpoint+`","state":"done"`); err != nil {
			return "", err
		}
		o, err := c.operate("GET", endpoint+"/objects/3/0/3", nil, "2.05")
		if err != nil {
			return "", err
		}
		if o.Value != version {
			return "", errors.New(endpoint + " says " + fmt.Sprint(o.Value))
		}
		if err := c.call("DELETE", "/api/v1/firmware/updates/"+u.ID, nil, nil); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("lamp-desk fetched %d bytes, lamp-stairs got them block by block; /3/0/3 = %s", p.Size, version), c.call("DELETE", "/api/v1/firmware/packages/"+p.ID, nil, nil)
}
