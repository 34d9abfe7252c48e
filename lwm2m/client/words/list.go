package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

func lwlist(c Call, _ []string) (string, error) {
	var w strings.Builder
	bootstrap := c.Client.BootstrapServers()
	if len(bootstrap) == 0 {
		w.WriteString("No Bootstrap Server.\n")
	} else {
		w.WriteString("Bootstrap Servers:\n")
	}
	for _, b := range bootstrap {
		fmt.Fprintf(&w, " - Security Object ID %d\tHold Off Time: %d s\tstatus: %s\n", b.SecurityInstance, seconds(b.HoldOff), b.Status)
	}
	servers := c.Client.Servers()
	if len(servers) == 0 {
		w.WriteString("No LWM2M Server.\n")
	} else {
		w.WriteString("LWM2M Servers:\n")
	}
	for _, s := range servers {
		fmt.Fprintf(&w, " - Server ID %d\tstatus: %s", s.ShortID, s.Status)
		if s.Status == client.StatusRegistered {
			fmt.Fprintf(&w, "\tlocation: \"%s\"\tLifetime: %ds", s.Location, seconds(s.Lifetime))
		}
		w.WriteByte('\n')
	}
	return w.String(), nil
}

func seconds(d time.Duration) int64 { return max(0, int64(d/time.Second)) }

func lwls(c Call, _ []string) (string, error) {
	var w strings.Builder
	for _, o := range c.Client.Inventory() {
		if len(o.Instances) == 0 {
			fmt.Fprintf(&w, "/%d ", o.ID)
		}
		for _, i := range o.Instances {
			fmt.Fprintf(&w, "/%d/%d  ", o.ID, i)
		}
		w.WriteByte('\n')
	}
	return w.String(), nil
}

func lwobs(c Call, _ []string) (string, error) {
	var w strings.Builder
	for _, o := range c.Client.Observations() {
		if o.Paths != nil {
			fmt.Fprintf(&w, " - Server ID %d\t%s\n", o.Server, strings.Trim(fmt.Sprint(o.Paths), "[]"))
			continue
		}
		fmt.Fprintf(&w, " - Server ID %d\t%s\t%s\n", o.Server, o.Path, o.Attributes)
	}
	return w.String(), nil
}

func lwfw(c Call, _ []string) (string, error) {
	if f, ok := c.Client.Object(5).(*objects.Firmware); ok {
		return firmware(f.Status()), nil
	}
	return "No Firmware object.\n", nil
}

// FirmwareResults are the names of what 5/0/5 says.
var FirmwareResults = []string{"initial", "success", "no storage", "out of RAM", "connection lost", "integrity check failed",
	"unsupported package type", "invalid URI", "update failed", "unsupported protocol", "cancelled", "deferred"}

// FirmwareProtocols are the names of what 5/0/8 lists.
var FirmwareProtocols = []string{"coap", "coaps", "http", "https"}

// firmwareProtocol is the name of a protocol that 5/0/8 lists.
func firmwareProtocol(n int64) string {
	if n >= 0 && n < int64(len(FirmwareProtocols)) {
		return FirmwareProtocols[n]
	}
	return strconv.FormatInt(n, 10)
}

// firmware says how the firmware update stands.
func firmware(s objects.FirmwareStatus) string {
	var w strings.Builder
	fmt.Fprintf(&w, "State: %s, result: %s\n", s.State, FirmwareResults[s.Result])
	if s.State != objects.FirmwareIdle {
		how := "pushed by the server"
		if s.Pull {
			how = "from " + s.URI
		}
		size := ""
		if s.Size > 0 {
			size = fmt.Sprintf(" of %d (%d %%)", s.Size, s.Received*100/s.Size)
		}
		fmt.Fprintf(&w, "Package: %d%s bytes, %s\n", s.Received, size, how)
	}
	if s.Name != "" || s.Version != "" {
		fmt.Fprintf(&w, "Name: %s, version: %s\n", s.Name, s.Version)
	}
	if s.Installed != "" {
		fmt.Fprintf(&w, "Installed: %s\n", s.Installed)
	}
	w.WriteString("Protocols:")
	for _, p := range s.Protocols {
		w.WriteString(" " + firmwareProtocol(p))
	}
	w.WriteByte('\n')
	return w.String()
}
