package shards

import (
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// file hands a device's request for a file to the program, with the way back to this shard. It reports whether the event
// was one.
func (k *shard) file(value any) bool {
	r, ok := value.(*server.FileRequest)
	if !ok || k.all.onFile == nil {
		return ok
	}
	k.all.onFile(r, func(part server.FilePart) {
		k.post(func(now machine.Time) { k.srv.Serve(now, r, part) })
	})
	return true
}
