package radio

import "heddle.example/machine"

// Options say which node to run, and where.
type Options struct {
	ID         int
	PortBase   int    // 0: 9000
	PortOffset int    // of networks, not of ports
	Local      string // address or interface; "": 127.0.0.1
	Speed      int    // how much faster than the clock time passes; 0: 1
	Input      int    // a file descriptor to read from; negative: none
	Flash      *Flash
	Rand       machine.Rand
	Program    Program
	// OwnInfra: messages of the infrastructure link go to Program.Action, which carries them itself; else they go over
	// OpenThread's simulated link.
	OwnInfra bool
	// Started, where set, is called before the first Boot, with what the program can ask of its driver.
	Started func(c *Control)
}

// portsEach is how many ports a network of nodes has: MAX_NETWORK_SIZE and the group's.
const portsEach = 34

func (o *Options) base() int {
	base := o.PortBase
	if base == 0 {
		base = 9000
	}
	return base + o.PortOffset*portsEach
}
