package serve

import (
	"fmt"
	"strconv"
	"strings"

	"heddle.example/internal/api"
	"heddle.example/internal/history"
	"heddle.example/lwm2m/server"
	"heddle.example/store"
)

// History says what of observed and sent values is kept.
type History struct {
	Off  bool
	Days int    // 0: however old
	Max  string // of all, such as 1GB; empty: 1GB
}

const (
	historyMaxDefault = 1 << 30
	noLimit           = "none" // for who works on a directory and is not to let anything go
)

// ParseSize reads 500MB, 2GB, 1.5GiB or a number of bytes.
func ParseSize(s string) (int64, error) {
	number := strings.TrimRight(s, "KMGTiBb ")
	n, err := strconv.ParseFloat(number, 64)
	unit := strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s[len(number):])), "B")
	factors := map[string]float64{"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "KI": 1 << 10, "MI": 1 << 20, "GI": 1 << 30, "TI": 1 << 40}
	f, ok := factors[unit]
	if err != nil || !ok || !(n >= 0 && n*f < 1<<60) {
		return 0, fmt.Errorf("%q is not a size; write it like 500MB or 2GB", s)
	}
	return int64(n * f), nil
}

// points is how the store keeps values. It does so when the history is off, too: what there is goes by age.
func (h History) points() (*store.Points, error) {
	p := &store.Points{Table: server.HistoryTable, Packer: history.Packer{}, Days: h.Days, MaxBytes: historyMaxDefault}
	if h.Days < 0 || h.Days > 36500 {
		return nil, fmt.Errorf("--history-days is %d; it is a number of days, 0 for no limit", h.Days)
	}
	switch h.Max {
	case "":
		return p, nil
	case noLimit:
		p.MaxBytes = 0
		return p, nil
	}
	n, err := ParseSize(h.Max)
	if err != nil {
		return nil, fmt.Errorf("--history-max: %w", err)
	}
	if n < 1e6 {
		return nil, fmt.Errorf("--history-max is %q; at least 1MB, or --history off", h.Max)
	}
	p.MaxBytes = n
	return p, nil
}

// historyInfo is what GET /api/v1/server says of it.
func (p *Program) historyInfo(bytes int64) api.HistoryInfo {
	pts, _ := p.config.History.points()
	return api.HistoryInfo{On: !p.config.History.Off, Days: pts.Days, MaxBytes: pts.MaxBytes, Bytes: bytes}
}
