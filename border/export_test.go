package border

import "heddle.example/machine"

// FromMesh lets a packet out, as the node does.
func (r *Router) FromMesh(now machine.Time, b []byte) { r.fromMesh(now, b) }
