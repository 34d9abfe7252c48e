package device

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/client/words"
)

// ParseFirmware reads settings of the Firmware Update object, key=value with commas between: version=1.1, method=push|pull|both,
// protocols=coap+coaps, size=BYTES, time=DURATION, packed=true, fail=RESULT (2 to 9, 11), fails=N.
func ParseFirmware(c *objects.FirmwareConfig, s string) error {
	for setting := range strings.SplitSeq(s, ",") {
		key, v, _ := strings.Cut(strings.TrimSpace(setting), "=")
		var err error
		switch key {
		case "":
		case "version":
			c.Version, err = lwm2m.ParseVersion(v)
			if err == nil && c.Version != lwm2m.V1_0 && c.Version != lwm2m.V1_1 {
				err = fmt.Errorf("there are 1.0 and 1.1")
			}
		case "method":
			m, ok := map[string]objects.Delivery{"both": objects.PushAndPull, "pull": objects.PullOnly, "push": objects.PushOnly}[v]
			if c.Delivery = m; !ok {
				err = fmt.Errorf("choose push, pull or both")
			}
		case "protocols":
			c.Protocols, err = parseProtocols(v)
		case "size":
			c.MaxSize, err = strconv.ParseInt(v, 10, 64)
			if err == nil && c.MaxSize < 1 {
				err = fmt.Errorf("it is a number of bytes")
			}
		case "time":
			c.UpdateTime, err = time.ParseDuration(v)
		case "packed":
			c.Packed, err = strconv.ParseBool(v)
		case "fail":
			var n int
			if n, err = strconv.Atoi(v); err == nil && (n < 2 || n >= len(words.FirmwareResults) || n == 10) {
				err = fmt.Errorf("a result to fail with is 2 to 9 or 11")
			}
			c.Fail = objects.UpdateResult(n)
		case "fails":
			c.Fails, err = strconv.Atoi(v)
		default:
			return fmt.Errorf("there is no setting %q: choose from version, method, protocols, size, time, packed, fail, fails", key)
		}
		if err != nil {
			return fmt.Errorf("%s=%s: %w", key, v, err)
		}
	}
	return nil
}

func parseProtocols(s string) ([]int64, error) {
	list := []int64{}
next:
	for name := range strings.SplitSeq(s, "+") {
		for n, p := range words.FirmwareProtocols {
			if p == name {
				list = append(list, int64(n))
				continue next
			}
		}
		return nil, fmt.Errorf("there is no protocol %q: choose from %s", name, strings.Join(words.FirmwareProtocols, ", "))
	}
	return list, nil
}
