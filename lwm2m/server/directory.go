package server

import (
	"encoding/binary"

	"heddle.example/machine"
)

// Directory says which shard of a server has which endpoint: its registration, its observations, what is kept for it. It
// is called by the owners of all shards, in the middle of an input, and must answer at once.
type Directory interface {
	// Claim makes the endpoint this shard's unless another one has it. It reports whether it is this shard's now.
	Claim(endpoint string) bool
	// Release says that this shard knows nothing of the endpoint any more.
	Release(endpoint string)
}

// settle gives an endpoint back to the directory once nothing here belongs to it.
func (s *Server) settle(ep string) {
	if s.config.Directory == nil || s.knows(ep) {
		return
	}
	s.config.Directory.Release(ep)
}

// knows reports whether anything here belongs to an endpoint.
func (s *Server) knows(ep string) bool {
	_, e := s.table.find(ep)
	return e != nil || s.obs.asleep[ep] != nil
}

// Home says where a stored record belongs. A shard byte of n or more, from a time with more shards, wraps around (modulo
// the number of shards). A record that names an endpoint but no shard follows the endpoint's registration.
func Home(table machine.Table, key, value []byte) (shard uint8, placed bool, ep string, err error) {
	switch table {
	case sessionTable:
		if len(key) == 0 {
			return 0, false, "", errRecord
		}
		return key[0], true, "", nil // a session's number begins with its shard
	case RegistrationTable:
		reg, _, err := readRegistration(key, value)
		if err != nil {
			return 0, false, "", err
		}
		if id := reg.Path.Security; id != nil {
			return uint8(id.Session >> 56), true, reg.Endpoint, nil
		}
		return reg.ID.Shard, true, reg.Endpoint, nil
	case ResultTable:
		if len(key) != 8 {
			return 0, false, "", errRecord
		}
		return uint8(binary.BigEndian.Uint64(key) >> opShard), true, "", nil
	}
	name, _, _ := cutByte(key, 0) // such keys begin with the endpoint and a zero byte
	return 0, false, string(name), nil
}
