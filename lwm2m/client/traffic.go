package client

// Traffic counts the datagrams of a client, as object 7 tells them.
type Traffic struct {
	TxBytes, RxBytes       uint64
	TxMessages, RxMessages uint64
	MaxMessage             int    // the largest, either way
	Missed                 uint64 // datagrams that came while the client was asleep
}

// Traffic returns the counters of datagrams.
func (c *Client) Traffic() Traffic { return c.traffic }

// ResetTraffic sets the counters of datagrams to zero.
func (c *Client) ResetTraffic() { c.traffic = Traffic{} }
