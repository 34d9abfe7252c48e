package device

import (
	"slices"

	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/store"
)

// forget takes out of the store what a factory reset undoes (Device resource 5): accounts, sessions, what servers wrote
// and assigned. What objects keep themselves stays, as installed firmware does.
func forget(s store.Store) error {
	s.Flush()
	var records []machine.Record
	for _, t := range []machine.Table{client.Table, dtls.SessionTable} {
		err := s.Load(t, func(key, _ []byte) error {
			records = append(records, machine.Record{Table: t, Key: slices.Clone(key)})
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(records) == 0 {
		return nil
	}
	done := make(chan error, 1)
	s.Append(records, func(err error) { done <- err })
	return <-done
}
