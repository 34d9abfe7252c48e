package words

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

func lwdisp(c Call, _ []string) (string, error) {
	var w strings.Builder
	display(&w, c.Now, c.Client)
	return w.String(), nil
}

// display writes all objects down.
func display(w *strings.Builder, now machine.Time, c *client.Client) {
	for _, o := range c.Inventory() {
		switch o.ID {
		case 0:
			displaySecurity(w, c.Accounts())
		case 1:
			displayServers(w, c.Accounts(), c.Binding())
		case 2:
			displayAccess(w, c.AccessControl())
		default:
			displayObject(w, now, c, o)
		}
	}
}

// lwdispb shows the backup that a failed bootstrap goes back to.
func lwdispb(c Call, _ []string) (string, error) {
	var w strings.Builder
	if accounts := c.Client.Backup(); len(accounts) > 0 {
		displaySecurity(&w, accounts)
		displayServers(&w, accounts, c.Client.Binding())
	}
	return w.String(), nil
}

// displaySecurity writes object 0 down, without its secrets.
func displaySecurity(w *strings.Builder, accounts []client.Account) {
	w.WriteString("  /0: Security object, instances:\n")
	for _, a := range accounts {
		fmt.Fprintf(w, "    /0/%d: instanceId: %d, uri: %s, isBootstrap: %t, shortId: %d, clientHoldOffTime: %d\n",
			a.SecurityInstance, a.SecurityInstance, a.URI, a.Bootstrap, a.ShortID, seconds(a.HoldOff))
	}
}

// displayServers writes object 1 down. The misspelt name is the one that its users' scripts look for.
func displayServers(w *strings.Builder, accounts []client.Account, binding lwm2m.Binding) {
	accounts = slices.DeleteFunc(slices.Clone(accounts), func(a client.Account) bool { return a.Bootstrap })
	slices.SortFunc(accounts, func(a, b client.Account) int { return cmp.Compare(a.ServerInstance, b.ServerInstance) })
	w.WriteString("  /1: Server object, instances:\n")
	for _, a := range accounts {
		fmt.Fprintf(w, "    /1/%d: instanceId: %d, shortServerId: %d, lifetime: %d, storing: %t, binding: %s",
			a.ServerInstance, a.ServerInstance, a.ShortID, seconds(a.Lifetime), a.Storing, binding)
		retry := client.DefaultRetry
		if a.Retry != nil {
			retry = *a.Retry
		}
		for _, r := range []struct {
			id   uint16
			name string
			v    any
		}{
			{13, "registrationPriorityOrder", a.Priority},
			{14, "initialRegistrationDelayTimer", seconds(a.InitialDelay)},
			{15, "registrationFailureBlock", a.FailureBlock},
			{16, "bootstrapOnRegistrationFaulure", !a.NoBootstrapOnFailure},
			{17, "communicationRetryCount", retry.Count},
			{18, "communicationRetryTimer", seconds(retry.Timer)},
			{19, "communicationSequenceDelayTimer", seconds(retry.SequenceDelay)},
			{20, "communicationSequenceRetryCount", retry.SequenceCount},
		} {
			if a.Given(r.id) {
				fmt.Fprintf(w, ", %s: %v", r.name, r.v)
			}
		}
		w.WriteByte('\n')
	}
}

// displayAccess writes object 2 down; the ACL as server: rights, with the letters of Read, Write, Execute, Delete and Create.
func displayAccess(w *strings.Builder, rules []client.AccessControl) {
	w.WriteString("  /2: Access Control object, instances:\n")
	for _, r := range rules {
		fmt.Fprintf(w, "    /2/%d: instanceId: %d, objectId: %d, objectInstanceId: %d, owner: %d", r.ID, r.ID, r.Object, r.Instance, r.Owner)
		for _, s := range r.Rights {
			fmt.Fprintf(w, ", acl[%d]: %s", s.Server, s.Rights)
		}
		w.WriteByte('\n')
	}
}

// labels are the names under which lwdisp shows resources; a resource without one is not shown.
var labels = map[uint16]struct {
	title     string
	resources []label
}{
	3:     {"Device object", []label{{13, "time"}, {14, "time_offset"}}},
	4:     {"Connectivity Monitoring object", []label{{0, "bearer"}, {2, "rssi"}, {3, "linkQuality"}, {6, "linkUtilization"}}},
	5:     {"Firmware object", []label{{3, "state"}, {5, "result"}}},
	6:     {"Location object", []label{{0, "latitude"}, {1, "longitude"}, {2, "altitude"}, {3, "radius"}, {5, "timestamp"}, {6, "speed"}}},
	7:     {"Connectivity Statistics object", []label{{2, "txData"}, {3, "rxData"}, {4, "maxMessageSize"}, {5, "averageMessageSize"}, {8, "collectionPeriod"}}},
	3303:  {"Temperature object", []label{{5700, "value"}, {5701, "units"}, {5601, "min"}, {5602, "max"}}},
	3304:  {"Humidity object", []label{{5700, "value"}, {5701, "units"}, {5601, "min"}, {5602, "max"}}},
	3305:  {"Power Measurement object", []label{{5800, "power"}, {5805, "energy"}}},
	3306:  {"Actuation object", []label{{5850, "on"}, {5851, "dimmer"}, {5852, "onTime"}}},
	3311:  {"Light Control object", []label{{5850, "on"}, {5851, "dimmer"}, {5852, "onTime"}}},
	3342:  {"On/Off switch object", []label{{5500, "state"}, {5501, "counter"}}},
	31024: {"Test object", []label{{1, "test"}}},
}

type label struct {
	resource uint16
	name     string
}

func displayObject(w *strings.Builder, now machine.Time, c *client.Client, o client.InventoryObject) {
	l := labels[o.ID]
	if l.title == "" {
		l.title = o.Name + " object"
	}
	fmt.Fprintf(w, "  /%d: %s", o.ID, l.title)
	if o.Multiple {
		w.WriteString(", instances")
	}
	w.WriteString(":\n")
	for _, i := range o.Instances {
		p := lwm2m.NewPath(o.ID, i)
		entries, err := c.Read(now, p)
		if err != nil {
			continue
		}
		w.WriteString("    ")
		if o.Multiple {
			fmt.Fprintf(w, "%s: shortId: %d, ", p, i)
		}
		sep := ""
		for _, r := range l.resources {
			if v, ok := lwm2m.Get(entries, p.Child(r.resource)); ok {
				fmt.Fprintf(w, "%s%s: %s", sep, r.name, displayValue(v))
				sep = ", "
			}
		}
		w.WriteByte('\n')
	}
}

// displayValue writes a value as C's printf did: floats with six decimals, times in seconds.
func displayValue(v lwm2m.Value) string {
	switch v.Kind() {
	case lwm2m.Float:
		f, _ := v.AsFloat()
		return fmt.Sprintf("%.6f", f)
	case lwm2m.Time:
		n, _ := v.AsInt()
		return fmt.Sprint(n)
	}
	return v.String()
}
