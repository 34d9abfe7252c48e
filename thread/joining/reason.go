package joining

// Reason says why a joiner did not get in.
type Reason uint8

// The reasons, in the order in which a joiner comes to them.
const (
	Unknown        Reason = iota
	NobodyHeard           // no network has answered on any channel
	NobodyJoins           // networks have answered, and none lets anybody in
	NotWanted             // some let somebody in, but not us
	NoCommissioner        // a router has answered, and nobody behind it
	WrongPassword
	NoAnswer     // to the finalize message
	Refused      // by the commissioner, who knows our password
	NotEntrusted // accepted, and the network key did not come
)

func (r Reason) String() string {
	return [...]string{
		"stopped",
		"no network has answered on any channel: none is in range, or none of them has a commissioner that lets somebody join",
		"networks have answered, but none lets anybody join: start a commissioner there and add this device",
		"networks let others join, but not this device: add its EUI-64 (command eui64), or *, at the commissioner",
		"a router has answered, but no commissioner behind it in time: is it still there, or busy with another joiner?",
		"wrong password: the commissioner was given another PSKd for this device",
		"the commissioner did not answer the finalize message in time: try again",
		"the commissioner has refused this device: it wants another provisioning URL",
		"accepted, but the network key did not come: is the joiner router still in range? Try again",
	}[min(r, NotEntrusted)]
}

// Reason says why the last attempt has failed.
func (j *Joiner) Reason() Reason { return j.why }
