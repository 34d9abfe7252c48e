package mle

// AdvertiseMax returns the longest interval between advertisements, in milliseconds; 0 until the first one.
func (m *MLE) AdvertiseMax() uint32 { return m.ftd.trickle.max }
