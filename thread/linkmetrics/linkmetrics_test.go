package linkmetrics

import (
	"testing"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

func TestManage(t *testing.T) {
	l := new(Link)
	for _, x := range []struct {
		request []byte
		want    Status
		ok      bool
	}{
		{AppendSeries(nil, 1, Data|Acks, PDUs|RSSI), Success, true},
		{AppendSeries(nil, 1, Data, PDUs), SeriesRegistered, true},
		{AppendSeries(nil, 0, Data, PDUs), OtherError, true},
		{AppendSeries(nil, 2, 0, 0), SeriesUnknown, true},
		{AppendSeries(nil, 1, 0, 0), Success, true},
		{AppendProbing(nil, true, LQI|Margin), Success, true},
		{AppendProbing(nil, true, LQI|Margin|RSSI), OtherError, true},
		{AppendProbing(nil, true, PDUs|Margin), OtherError, true},
		{AppendProbing(nil, true, Margin.Reserved()), OtherError, true},
		{AppendProbing(nil, true, 0), OtherError, true},
		{AppendProbing(nil, false, 0), Success, true},
		{AppendProbing(AppendSeries(nil, 3, Data, PDUs), true, LQI), 0, false}, // one at a time
		{nil, 0, false},
	} {
		if got, ok := l.Manage(x.request); ok != x.ok || ok && got != x.want {
			t.Errorf("%x: %v, %v; want %v, %v", x.request, got, ok, x.want, x.ok)
		}
	}
}

// A series counts the frames that it is for, and no more than there is room for are begun.
func TestSeries(t *testing.T) {
	l := new(Link)
	l.Manage(AppendSeries(nil, 7, Acks|LinkProbes, PDUs|Margin|RSSI))
	l.HeardFrame(ieee802154.Data, 0, -20)
	if b, _ := l.AppendReport(nil, AppendQuery(nil, 7, 0), 0, 0); string(b) != string(AppendStatus(nil, NothingMatched)) {
		t.Errorf("%x", b)
	}
	l.HeardFrame(ieee802154.Ack, 0, -40)
	l.HeardProbe([]byte{7}, 0, -40)
	l.HeardProbe(nil, 0, -40)
	b, ok := l.AppendReport(nil, AppendQuery(nil, 7, 0), 0, 0)
	v, s, ok2 := ParseReport(b)
	if want := (Values{Has: PDUs | Margin | RSSI, PDUs: 2, Margin: 60, RSSI: -40}); !ok || !ok2 || s != Success || v != want {
		t.Errorf("%+v %v %v %v", v, s, ok, ok2)
	}
	for id := range 100 {
		l.Manage(AppendSeries(nil, uint8(id+100), Data, PDUs))
	}
	if len(l.series) > maxSeries {
		t.Errorf("%d series", len(l.series))
	}
}

func TestScale(t *testing.T) {
	for v := 2; v <= 130; v++ { // below is no int8
		m := Values{Has: Margin | RSSI, Margin: uint8(v), RSSI: int8(v - 130)}
		if got, _, ok := ParseReport(m.append(nil)); !ok || got != m {
			t.Errorf("%d: %+v, not %+v", v, got, m)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(AppendSeries(nil, 1, Data, PDUs|RSSI))
	f.Add(AppendProbing(nil, true, LQI))
	f.Add((&Values{Has: PDUs | LQI, PDUs: 3}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := new(Link)
		l.Expect(LQI|RSSI, func(machine.Time, *Values) {})
		l.Manage(b)
		l.AppendReport(nil, b, 0, 0)
		l.HeardProbe(b, 1, -3)
		l.EnhancedAck(0, b)
		ParseReport(b)
		ParseStatus(b)
	})
}
