package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/mle"
)

func (e *mleEnv) DataVersion() uint8       { return e.data.Version(false) }
func (e *mleEnv) StableDataVersion() uint8 { return e.data.Version(true) }

// AppendData implements mle.Env.
func (e *mleEnv) AppendData(dst []byte, full bool) []byte { return e.data.AppendData(dst, !full) }

// SetData implements mle.Env.
func (e *mleEnv) SetData(now machine.Time, version, stable uint8, full bool, tlvs []byte) error {
	return e.data.SetNetworkData(now, version, stable, !full, tlvs)
}

// IncrementDataVersions implements mle.Env.
func (e *mleEnv) IncrementDataVersions(now machine.Time) { e.data.IncrementVersion(now, true) }

// Context implements mle.Env.
func (e *mleEnv) Context(a ip6.Address) (id uint8, compress, ok bool) {
	c, ok := e.data.ContextFor(a)
	return c.ID, c.Compress, ok
}

// ContextPrefix implements mle.Env.
func (e *mleEnv) ContextPrefix(id uint8) (ip6.Network, bool) {
	c, ok := e.data.Context(id)
	return c.Prefix.Addr.Network(), ok
}

// AppendSteeringData implements mle.Env.
func (e *mleEnv) AppendSteeringData(dst []byte) ([]byte, bool) {
	v, ok := e.data.SteeringData()
	return append(dst, v...), ok
}

// DatasetTimestamp implements mle.Env.
func (e *mleEnv) DatasetTimestamp(pending bool) mle.Timestamp {
	return mle.Timestamp(e.cop.Timestamp(pending))
}

// SaveDataset implements mle.Env.
func (e *mleEnv) SaveDataset(now machine.Time, pending bool, ts mle.Timestamp, tlvs []byte) error {
	return e.cop.SaveDataset(now, pending, meshcop.Timestamp(ts), tlvs)
}

// AppendDataset implements mle.Env.
func (e *mleEnv) AppendDataset(dst []byte, pending bool) ([]byte, bool) {
	return e.cop.AppendDataset(e.now, dst, pending)
}

// RestoreDataset implements mle.Env.
func (e *mleEnv) RestoreDataset(now machine.Time, pending bool) bool {
	if pending {
		return e.cop.RestorePending(now)
	}
	return e.cop.RestoreActive(now)
}

// ApplyPending implements mle.Env.
func (e *mleEnv) ApplyPending(now machine.Time) { e.cop.ApplyPending(now) }

// ClearPending implements mle.Env.
func (e *mleEnv) ClearPending(now machine.Time) { e.cop.ClearPending(now) }

// DatasetPartlyComplete implements mle.Env.
func (e *mleEnv) DatasetPartlyComplete() bool { return e.cop.PartlyComplete() }

// DatasetComplete implements mle.RoutingEnv.
func (e *mleEnv) DatasetComplete() bool { return e.cop.Complete() }

// DatasetChannels implements mle.Env.
func (e *mleEnv) DatasetChannels() (mask uint32, ok bool) { return e.cop.ChannelMask() }

// PendingActive implements mle.Env.
func (e *mleEnv) PendingActive() (mle.Timestamp, time.Duration, bool) {
	ts, ok := e.cop.PendingActiveTimestamp()
	delay, running := e.cop.PendingDelay(e.now)
	return mle.Timestamp(ts), delay, ok && running
}
