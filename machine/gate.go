package machine

// Gate keeps Send actions back until the commit that they wait for is on disk. Every driver has one: it is the place
// where "an answer that makes us owe something leaves only after the commit" is enforced.
type Gate struct {
	done   Seq
	failed Seq // the latest commit that failed
	held   []Action
}

// Pass reports whether a Send may leave now. If not, the gate keeps a copy of it, or drops it when its commit has failed.
func (g *Gate) Pass(a Action) bool {
	if a.After <= g.done {
		return true
	}
	if a.After <= g.failed {
		return false
	}
	a.Data = append([]byte(nil), a.Data...)
	g.held = append(g.held, a)
	return false
}

// Persisted says that commit seq and all before it are on disk, and calls send for what may leave now, in order.
func (g *Gate) Persisted(seq Seq, send func(Action)) {
	if seq <= g.done {
		return
	}
	g.done = seq
	keep := g.held[:0]
	for _, a := range g.held {
		if a.After <= seq {
			send(a)
		} else {
			keep = append(keep, a)
		}
	}
	g.shrink(keep)
}

// PersistFailed says that commit seq failed, and drops what waits for it or for a later one: what was promised on top of
// a lost commit may build on it.
func (g *Gate) PersistFailed(seq Seq) {
	g.failed = max(g.failed, seq)
	keep := g.held[:0]
	for _, a := range g.held {
		if a.After < seq {
			keep = append(keep, a)
		}
	}
	g.shrink(keep)
}

// Held returns how many sends wait.
func (g *Gate) Held() int { return len(g.held) }

// shrink makes keep the held sends. It aliases held.
func (g *Gate) shrink(keep []Action) {
	clear(g.held[len(keep):])
	if g.held = keep; len(keep) == 0 && cap(keep) > 256 {
		g.held = nil
	}
}
