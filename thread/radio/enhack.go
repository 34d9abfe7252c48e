package radio

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// enhanced appends an enhanced ack (IEEE 802.15.4-2015 section 6.7.4.3): it answers the source, without a source of its
// own, and is secured as the frame is.
func (f *Filter) enhanced(dst []byte, fr *Frame, h *ieee802154.Frame, now machine.Time) []byte {
	if h.Src.Kind == ieee802154.None || h.Dst.Kind == ieee802154.None || h.Dst.IsBroadcast() || h.NoSequence {
		return dst
	}
	var ies [32]byte
	a := ieee802154.Frame{Type: ieee802154.Ack, Version: ieee802154.Version2015, Sequence: h.Sequence, Dst: h.Src,
		Pending: fr.AckedPending, IEs: ies[:0]}
	switch {
	case h.HasSrcPAN:
		a.DstPAN, a.HasDstPAN = h.SrcPAN, true
	case h.HasDstPAN:
		a.DstPAN, a.HasDstPAN = h.DstPAN, true
	}
	a.Plan()
	if f.CSL.Period > 0 {
		a.IEs = ieee802154.AppendCSL(a.IEs, f.CSL.Period, f.CSL.Phase(now))
	}
	a.IEs = f.appendProbes(a.IEs, fr, h)
	a.HasIEs = len(a.IEs) > 0
	if !h.Secured() {
		return a.Append(dst)
	}
	if h.Security.Level != ieee802154.EncMIC32 || h.Security.Mode != ieee802154.KeyIDMode1 {
		return dst
	}
	for _, k := range f.Keys {
		if k.Index == h.Security.KeyIndex && f.Block.Start+f.Block.Used < f.Block.End {
			a.Security = ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode1,
				Counter: f.Block.Start + f.Block.Used, KeyIndex: k.Index}
			f.Block.Used++
			fr.AckedSecured, fr.AckCounter = true, a.Security.Counter
			return a.AppendSealed(dst, k.Key, f.Ext)
		}
	}
	return dst
}

// appendProbes appends the link metrics that the source of a frame wants: at most two values, in the order of the
// metrics' identifiers, scaled to bytes (Thread 1.2 section 4.11.3.4.1; utils/link_metrics.cpp of OpenThread).
func (f *Filter) appendProbes(dst []byte, fr *Frame, h *ieee802154.Frame) []byte {
	for i := range f.Probes {
		p := &f.Probes[i]
		if !(h.Src.Kind == ieee802154.Short && h.Src.Short == p.Short || h.Src.Kind == ieee802154.Extended && h.Src.Ext == p.Ext) {
			continue
		}
		var v [3]byte
		n := 0
		if p.LQI {
			v[n] = fr.LQI
			n++
		}
		if p.Margin {
			v[n] = ScaleMargin(LinkMargin(fr.RSSI))
			n++
		}
		if p.RSSI {
			v[n] = ScaleRSSI(fr.RSSI)
			n++
		}
		return ieee802154.AppendVendor(dst, ieee802154.OUIThread, ieee802154.ThreadProbing, v[:min(n, 2)])
	}
	return dst
}

// Sensitivity is the weakest signal that a radio receives, and so the noise floor of link margins
// (SIM_RECEIVE_SENSITIVITY of OpenThread's simulation).
const Sensitivity int8 = -100

// LinkMargin returns how far a signal is above the noise floor, in dB.
func LinkMargin(rssi int8) uint8 {
	if rssi == NoRSSI || rssi < Sensitivity {
		return 0
	}
	return uint8(int(rssi) - int(Sensitivity))
}

// ScaleMargin scales a link margin of 0 to 130 dB to a byte, as link metrics carry it.
func ScaleMargin(margin uint8) uint8 { return uint8((int(min(margin, 130))*255 + 65) / 130) }

// ScaleRSSI scales an RSSI of -130 to 0 dBm to a byte.
func ScaleRSSI(rssi int8) uint8 {
	v := min(max(int(rssi), -130), 0) + 130
	return uint8((v*255 + 65) / 130)
}
