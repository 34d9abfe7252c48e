package client

import (
	"encoding/binary"
	"fmt"
	"slices"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// configKey is the key of the record of the accounts that are not those of Config: what a bootstrap server gave. It sorts
// before the records of the single servers.
const configKey = "C"

// configRecord appends the record of the accounts where it is another one than was persisted last.
//
//	version, fingerprint of Config.Servers (32), purge time of the bootstrap account (8), flags (1),
//	objects 0 and 1 as SenML CBOR
//
// It holds keys: whoever reads the store can be the device.
func (c *Client) configRecord(records []machine.Record) []machine.Record {
	b := c.boot
	if b == nil || !b.configured && !b.wanted && b.stored == "" {
		return records
	}
	v := append([]byte{recordVersion}, c.factory[:]...)
	v = binary.BigEndian.AppendUint64(v, uint64(b.purge))
	v = append(v, flag(b.wanted)|flag(b.configured)<<1)
	if b.configured {
		var err error
		if v, err = format.Append(v, coap.SenMLCBOR, lwm2m.Root, c.newDraft()); err != nil {
			return records // only of values that no account can have
		}
	}
	if string(v) == b.stored {
		return records
	}
	b.stored = string(v)
	return append(records, machine.Record{Table: Table, Key: []byte(configKey), Value: v})
}

// restoreConfig is the reverse of configRecord. Where the program was started with other servers than then, they count.
func (c *Client) restoreConfig(v []byte) error {
	const header = 1 + 32 + 8 + 1
	if len(v) < header || v[0] != recordVersion {
		return fmt.Errorf("%w: accounts", ErrRestore)
	}
	if c.boot == nil || [32]byte(v[1:33]) != c.factory {
		return nil
	}
	b := c.boot
	flags := v[header-1]
	if flags&2 != 0 {
		entries, err := format.Decode(nil, coap.SenMLCBOR, lwm2m.Root, v[header:], typer{c}, format.Options{})
		if err != nil {
			return fmt.Errorf("%w: accounts: %w", ErrRestore, err)
		}
		b.draft = entries
		accounts, err := c.parseDraft()
		b.draft = nil
		if err != nil {
			return fmt.Errorf("%w: accounts: %w", ErrRestore, err)
		}
		c.accounts = accounts
		b.purge = machine.Time(binary.BigEndian.Uint64(v[33:]))
	}
	b.wanted, b.configured, b.stored = flags&1 != 0, flags&2 != 0, string(v)
	return nil
}

// forgotten appends the deletion of the records of servers that are gone.
func (c *Client) forgotten(records []machine.Record) []machine.Record {
	for _, id := range c.forget {
		records = append(records, machine.Record{Table: Table, Key: recordKey(attributesKey, id)})
		// Where another server goes by this number now, its record is written over.
		if !slices.ContainsFunc(c.accounts, func(a account) bool { return a.ShortID == id && a.serves() }) {
			records = append(records, machine.Record{Table: Table, Key: recordKey(accountKey, id)})
		}
	}
	c.forget = nil
	return records
}
