package mle

// trickle is the timer of RFC 6206 without suppression, as advertisements use it, and a plain random timer in the same
// clothes, as REEDs use it (OpenThread common/trickle_timer.cpp). Times are milliseconds.
type trickle struct {
	min, max uint32
	interval uint32 // I
	at       uint32 // t: when in the interval to speak
	began    uint64 // when the interval began, in ms
	plain    bool
	spoke    bool // t is over, the rest of the interval goes by
	running  bool
}

// start begins with a random interval and returns when to call fire.
func (t *trickle) start(m *MLE, now uint64, min, max uint32, plain bool) (at uint64) {
	*t = trickle{min: min, max: max, plain: plain, running: true}
	t.interval = m.randomIn(min, max+1)
	return t.begin(m, now)
}

func (t *trickle) begin(m *MLE, now uint64) uint64 {
	t.began, t.spoke = now, false
	if t.plain {
		t.at = t.interval
	} else {
		t.at = m.randomIn(t.interval/2, t.interval)
	}
	return now + uint64(t.at)
}

// reset makes the interval short again and returns when to call fire, or false if it is short already.
func (t *trickle) reset(m *MLE, now uint64) (at uint64, ok bool) {
	if !t.running || t.plain || t.interval == t.min {
		return 0, false
	}
	t.interval = t.min
	return t.begin(m, now), true
}

// setMax changes the longest interval. Where that cuts the current one short it returns when to call fire.
func (t *trickle) setMax(max uint32) (at uint64, ok bool) {
	if !t.running || max == t.max || t.plain {
		return 0, false
	}
	if t.max = max; max >= t.interval {
		return 0, false
	}
	t.interval = max
	if !t.spoke {
		if max >= t.at {
			return 0, false
		}
		t.at = max
	}
	return t.began + uint64(max), true
}

// fire says whether to speak now, and when to call again.
func (t *trickle) fire(m *MLE, now uint64) (speak bool, at uint64) {
	switch {
	case t.plain:
		t.interval = m.randomIn(t.min, t.max+1)
		return true, t.begin(m, now)
	case !t.spoke:
		t.spoke = true
		return true, now + uint64(t.interval-t.at)
	}
	t.interval = max(min(2*t.interval, t.max), 1)
	return false, t.begin(m, now)
}
