package node

import (
	"fmt"
	"time"

	"heddle.example/lwm2m/client/objects"
	"heddle.example/thread"
)

// lwm2mProfile says what the LwM2M objects of the node with a number are.
func lwm2mProfile(id int) objects.Profile {
	return objects.Profile{
		Device: objects.DeviceConfig{
			Manufacturer: "Heddle", Model: "heddle node", Serial: fmt.Sprintf("%x", EUI64(id)), Firmware: "1.0", Software: thread.StackVersion,
			Type: "simulated device", Hardware: "simulated radio", UTCOffset: time.Now().Format("-07:00"), Timezone: "UTC",
		},
		Place: objects.Everest,
	}
}
