package thread

// PowerSupply says what a device is fed from.
type PowerSupply uint8

// The supplies, in OpenThread's order.
const (
	Battery PowerSupply = iota
	External
	ExternalStable
	ExternalUnstable
)

// DeviceProperties are what makes a device a better or a worse leader (Thread 1.4; OpenThread's otDeviceProperties).
type DeviceProperties struct {
	Supply         PowerSupply
	BorderRouter   bool
	CCM            bool
	Unstable       bool
	WeightAdjusted int8
}

// DefaultProperties are those of OpenThread's reference device, which is built with a border router.
var DefaultProperties = DeviceProperties{Supply: External, BorderRouter: true}

// Weight returns the weight of a partition that such a device leads (mle_types.cpp, CalculateLeaderWeight).
func (p DeviceProperties) Weight() uint8 {
	w := 64
	if p.BorderRouter {
		w++
		if p.CCM {
			w += 7
		}
	}
	w += [...]int{-8, 0, 4, -4}[p.Supply&3]
	if p.Unstable && p.Supply != Battery && p.Supply != ExternalUnstable {
		w -= 4
	}
	return uint8(w + int(p.WeightAdjusted))
}

// Properties returns the device's properties.
func (n *Node) Properties() DeviceProperties {
	if n.shell.properties == nil {
		return DefaultProperties
	}
	return *n.shell.properties
}

// SetProperties changes them, and with them the leader weight.
func (n *Node) SetProperties(p DeviceProperties) {
	p.WeightAdjusted = max(-16, min(p.WeightAdjusted, 16))
	n.shell.properties = &p
	n.mle.SetLeaderWeight(p.Weight())
}
