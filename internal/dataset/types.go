// Package dataset shows and changes the network of a Thread node by a page: its operational datasets, as fields and as TLVs,
// new ones of secure random values, and changes that are on their way.
package dataset

// Status is the network that a node has.
type Status struct {
	Role     string   `json:"role"`
	Attached bool     `json:"attached"`
	Up       bool     `json:"up" doc:"the interface and Thread run"`
	Active   *Dataset `json:"active,omitempty" doc:"without its keys"`
	Pending  *Dataset `json:"pending,omitempty" doc:"takes the place of the active one when its delay is over"`
	DelayMin uint32   `json:"delayMin" doc:"milliseconds that a change must wait at least"`
}

// Dataset is an operational dataset. A field that is not there is not in it.
type Dataset struct {
	Timestamp   uint64  `json:"timestamp,omitempty" doc:"seconds of the active timestamp: a larger one wins"`
	Pending     uint64  `json:"pendingTimestamp,omitempty"`
	Delay       uint32  `json:"delay,omitempty" doc:"milliseconds until a pending dataset is active"`
	Name        string  `json:"name,omitempty" maxLength:"16"`
	Channel     int     `json:"channel,omitempty" doc:"11 to 26"`
	Wakeup      int     `json:"wakeupChannel,omitempty"`
	ChannelMask string  `json:"channelMask,omitempty" example:"0x07fff800"`
	PANID       string  `json:"panid,omitempty" example:"0xabcd"`
	ExtPANID    string  `json:"extpanid,omitempty" example:"dead00beef00cafe"`
	MeshLocal   string  `json:"meshLocal,omitempty" example:"fdde:ad00:beef::/64"`
	Policy      *Policy `json:"policy,omitempty"`
	NetworkKey  string  `json:"networkKey,omitempty" doc:"32 hexadecimal digits; only where keys are asked for"`
	PSKc        string  `json:"pskc,omitempty" doc:"32 hexadecimal digits; only where keys are asked for"`
	TLVs        string  `json:"tlvs,omitempty" doc:"all of it, hexadecimal; only where keys are asked for"`
}

// Policy is what the network allows.
type Policy struct {
	Rotation int    `json:"rotation" doc:"hours until the key changes" minimum:"2"`
	Flags    string `json:"flags" doc:"o: the key may be obtained, n: native, c: external commissioning, r: routers of Thread 1.1, R: of any" example:"onrcR"`
}

// Change is a wish for another dataset: fields, or the TLVs of a whole one.
type Change struct {
	Dataset
	After uint32 `json:"after,omitempty" doc:"milliseconds until all nodes change; 0: 30 s. Only of a network that runs"`
}

// Parse is some TLVs to look into.
type Parse struct {
	TLVs string `json:"tlvs" maxLength:"1024"`
}
