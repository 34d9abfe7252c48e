package mle

// Event is a set of things that changed, as OpenThread's notifier has them.
type Event uint32

// The events. MLE signals the first group; the node tells it of the others.
const (
	RoleChanged Event = 1 << iota
	LinkLocalAddressChanged
	MeshLocalAddressChanged
	RLOCAdded
	RLOCRemoved
	PartitionIDChanged
	ChildAdded
	ChildRemoved
	ParentLinkQualityChanged

	KeySequenceChanged
	NetworkDataChanged
	AddressAdded
	AddressRemoved
	MulticastSubscribed
	MulticastUnsubscribed
	SecurityPolicyChanged
	SupportedChannelsChanged
)

// Has says whether any of the events f is in the set.
func (e Event) Has(f Event) bool { return e&f != 0 }
