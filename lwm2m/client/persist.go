package client

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Table holds what a client keeps over a restart: the accounts that a bootstrap server gave; for each server what it wrote into the Server object, its attributes,
// and which DTLS session leads to it. Registrations and observations are not in it: after a restart the client registers
// anew, over the old session, so that the server knows that its observations have to be asked for again.
const Table machine.Table = "lwm2m.client"

// ErrRestore says that a stored record cannot be read; the client goes on without it.
var ErrRestore = errors.New("lwm2m client: stored record is not readable")

// recordVersion is the first byte of every value.
const recordVersion = 1

// The two kinds of key, each followed by the Short Server ID.
const (
	accountKey    = 's'
	attributesKey = 'a'
)

func recordKey(kind byte, server uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{kind}, server)
}

// persist pushes what differs from what was pushed last, and returns the commit's number, or 0.
func (c *Client) persist() machine.Seq {
	if !c.cfg.Durable {
		return 0
	}
	records := c.accessRecord(c.configRecord(c.forgotten(nil)))
	for i := range c.accounts {
		a := &c.accounts[i]
		if !a.serves() {
			continue
		}
		if v := a.appendRecord(nil); string(v) != a.stored {
			a.stored = string(v)
			records = append(records, machine.Record{Table: Table, Key: recordKey(accountKey, a.ShortID), Value: v})
		}
		if v := c.appendAttributes(nil, i); string(v) != a.storedAttributes {
			a.storedAttributes = string(v)
			records = append(records, machine.Record{Table: Table, Key: recordKey(attributesKey, a.ShortID), Value: v})
		}
	}
	records = c.appendValues(records)
	records = c.appendKept(records)
	if len(records) == 0 {
		return 0
	}
	seq := c.out.Nest().NextSeq()
	c.out.Push(machine.Action{Kind: machine.Persist, Cause: c.cause, Seq: seq, Records: records})
	return seq
}

// unknown stands for a record of which nobody knows whether it is on disk; it is none.
const unknown = "?"

// notStored makes the next commit hold everything again, after one that the disk did not take: the answers that waited for
// it never leave, but what they would have promised is in force until a restart.
func (c *Client) notStored() {
	for i := range c.accounts {
		c.accounts[i].stored, c.accounts[i].storedAttributes = unknown, unknown
	}
	if c.boot != nil {
		c.boot.stored = unknown
	}
	if c.access != nil {
		c.access.stored = unknown
	}
	for i := range c.written {
		c.written[i].dirty = true
	}
}

// appendRecord appends the value of an account's record.
func (a *account) appendRecord(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = binary.BigEndian.AppendUint64(dst, a.session)
	for _, d := range []time.Duration{a.Lifetime, a.MinPeriod, a.MaxPeriod, a.DisableTimeout} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(d))
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(a.disabled))
	dst = append(dst, flag(a.Storing), flag(a.hasMute), flag(a.mute), byte(a.binding), a.version.Major, a.version.Minor)
	return append(dst, a.proofSum()...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// restoreRecord is the reverse of appendRecord.
func (a *account) restoreRecord(b []byte) error {
	const size = 1 + 6*8 + 6
	if len(b) != size && len(b) != size+proofLen || b[0] != recordVersion {
		return fmt.Errorf("%w: server %d", ErrRestore, a.ShortID)
	}
	u := func(i int) uint64 { return binary.BigEndian.Uint64(b[1+8*i:]) }
	a.session, a.restored = u(0), u(0) != 0
	a.Lifetime, a.MinPeriod = time.Duration(u(1)), time.Duration(u(2))
	a.MaxPeriod, a.DisableTimeout = time.Duration(u(3)), time.Duration(u(4))
	a.disabled = machine.Time(u(5))
	t := b[1+6*8:]
	a.Storing, a.hasMute, a.mute, a.binding = t[0] != 0, t[1] != 0, t[2] != 0, lwm2m.Binding(t[3])
	a.version = lwm2m.Version{Major: t[4], Minor: t[5]}
	a.proved = string(t[6:])
	a.stored = string(b)
	return nil
}

// appendAttributes appends a server's attributes, one path a line: /3/0 pmin=10&pmax=60. Without any it appends nothing,
// which deletes the record.
func (c *Client) appendAttributes(dst []byte, account int) []byte {
	for _, e := range c.attributes {
		if e.account == account {
			dst = e.path.Append(dst)
			dst = append(dst, ' ')
			dst = append(dst, e.Attributes.String()...)
			dst = append(dst, '\n')
		}
	}
	return dst
}

func (c *Client) restoreAttributes(account int, s string) error {
	for line := range strings.Lines(s) {
		path, query, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		p, err := lwm2m.ParsePath(path)
		if !ok || err != nil || len(c.attributes) == c.cfg.MaxAttributes {
			return fmt.Errorf("%w: attributes of server %d", ErrRestore, c.accounts[account].ShortID)
		}
		at, err := lwm2m.ParseAttributes(strings.Split(query, "&")...)
		if err != nil || at.Validate(p) != nil {
			return fmt.Errorf("%w: attributes of server %d", ErrRestore, c.accounts[account].ShortID)
		}
		if i, found := c.findAttributes(account, p); !found {
			c.attributes = slices.Insert(c.attributes, i, attributeEntry{account, p, at})
		}
	}
	c.accounts[account].storedAttributes = s
	return nil
}

// Restore takes in a stored record, its own or one of dtls, before Start; those of a table in the order of their keys. Records of servers that are not configured any
// more are passed over.
func (c *Client) Restore(now machine.Time, table machine.Table, key, value []byte) error {
	switch table {
	case dtls.SessionTable:
		if c.stack.DTLS() == nil {
			return nil
		}
		return c.stack.DTLS().Restore(now, key, value)
	case KeepTable:
		return c.restoreKept(key, value)
	case Table:
	default:
		return nil
	}
	if string(key) == configKey {
		return c.restoreConfig(value)
	}
	if string(key) == accessKey {
		return c.restoreAccess(value)
	}
	if len(key) > 0 && key[0] == valuesKey {
		return c.restoreValues(now, key, value)
	}
	if len(key) != 3 {
		return fmt.Errorf("%w: key %x", ErrRestore, key)
	}
	server := binary.BigEndian.Uint16(key[1:])
	i := slices.IndexFunc(c.accounts, func(a account) bool { return a.ShortID == server && a.serves() })
	if i < 0 {
		return nil
	}
	if key[0] == attributesKey {
		return c.restoreAttributes(i, string(value))
	}
	return c.accounts[i].restoreRecord(value)
}

// resumeSessions finds the restored sessions of the accounts, at Start. One whose configured server or identity is
// another one now is not used.
func (c *Client) resumeSessions() {
	for i := range c.accounts {
		a := &c.accounts[i]
		if !a.restored {
			continue
		}
		path, identity, ok := c.stack.DTLS().Lookup(a.session)
		if !ok || a.proved != a.proofSum() || a.proof == nil && identity.Name != a.Identity || path.Remote.Port() != a.port || a.addr.IsValid() && path.Remote.Addr() != a.addr {
			a.session, a.restored = 0, false
			continue
		}
		// Without a connection ID the server knows the session by this port alone, and drops what comes from another
		// one: a new handshake at once, which a.resume makes short, is better than to wait for an answer.
		if !identity.CID && path.Local.Port() != c.cfg.Local.Port() {
			a.session, a.restored = 0, false
			continue
		}
		// The socket is another one than before the restart.
		c.stack.DTLS().Relocate(c.now, c.cause, a.session, c.cfg.Local, c.cfg.Link)
		a.path, _, _ = c.stack.DTLS().Lookup(a.session)
	}
}
