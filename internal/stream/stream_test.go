package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func text(s string) func() []byte { return func() []byte { return []byte(s) } }

// drain returns what the reader gets without waiting.
func drain(t *testing.T, r *Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		events, err := r.take()
		if err != nil {
			fmt.Fprintf(&b, "%v\n", err)
			return b.String()
		}
		if len(events) == 0 {
			return b.String()
		}
		for _, e := range events {
			fmt.Fprintf(&b, "%d %s %s\n", e.Seq, e.Kind, e.Data())
		}
	}
}

func TestOrderAndComingBack(t *testing.T) {
	h := NewHub(Options{Epoch: 7, Size: 8})
	r, reset := h.Follow(nil)
	if reset {
		t.Fatal("a first reader was told to reset")
	}
	h.Publish("a", "", text("one"))
	h.Publish("a", "", text("two"))
	if got, want := drain(t, r), "1 a one\n2 a two\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	since := ID{7, 1}
	back, reset := h.Follow(&since)
	if got := drain(t, back); reset || got != "2 a two\n" {
		t.Fatalf("reset %v, got %q", reset, got)
	}
	// The newest event is the last one seen: nothing is missing.
	if _, reset := h.Follow(&ID{7, 2}); reset {
		t.Error("reset although nothing was missed")
	}
	for _, id := range []ID{{6, 1}, {7, 99}} {
		if _, reset := h.Follow(&id); !reset {
			t.Errorf("%v: no reset", id)
		}
	}
}

func TestGapResetsAndSlowReaderIsCutOff(t *testing.T) {
	h := NewHub(Options{Epoch: 1, Size: 4})
	slow, _ := h.Follow(nil)
	for i := range 10 {
		h.Publish("a", "", text(fmt.Sprint(i)))
	}
	if got := drain(t, slow); got != ErrSlow.Error()+"\n" {
		t.Fatalf("slow reader got %q", got)
	}
	if _, reset := h.Follow(&ID{1, 5}); !reset {
		t.Error("a gap without reset")
	}
	r, reset := h.Follow(&ID{1, 6})
	if got := drain(t, r); reset || got != "7 a 6\n8 a 7\n9 a 8\n10 a 9\n" {
		t.Errorf("reset %v, got %q", reset, got)
	}
}

func TestCellsCoalesceAndKeepOrder(t *testing.T) {
	h := NewHub(Options{Epoch: 1, Cells: time.Hour})
	r, _ := h.Follow(nil)
	for i := range 100 {
		h.PublishCell("value", "ep", "/3/0/9", text(fmt.Sprint(i)))
		h.PublishCell("value", "ep", "/3/0/1", text("m"))
	}
	if got := drain(t, r); got != "" {
		t.Fatalf("before the flush: %q", got)
	}
	h.Publish("deregistered", "ep", text("gone"))
	if got, want := drain(t, r), "1 value 99\n2 value m\n3 deregistered gone\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// every returns what a reader gets that wants every update.
func every(t *testing.T, r *Reader) string {
	t.Helper()
	events, err := r.take()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range events {
		for _, old := range e.Earlier() {
			fmt.Fprintf(&b, "%s ", old.Data())
		}
		fmt.Fprintf(&b, "%s, %d\n", e.Data(), e.Seq)
	}
	return b.String()
}

func TestEveryUpdateOfACell(t *testing.T) {
	h := NewHub(Options{Epoch: 1, Cells: time.Hour})
	r, _ := h.Follow(nil)
	r.Every()
	newest, _ := h.Follow(nil)
	for i := range 3 {
		h.PublishCell("value", "ep", "/3/0/9", text(fmt.Sprint(i)))
	}
	h.PublishCell("value", "ep", "/3/0/1", text("m"))
	h.Publish("deregistered", "ep", text("gone"))
	if got, want := every(t, r), "0 1 2, 1\nm, 2\ngone, 3\n"; got != want {
		t.Errorf("every: %q, want %q", got, want)
	}
	if got, want := drain(t, newest), "1 value 2\n2 value m\n3 deregistered gone\n"; got != want {
		t.Errorf("the newest: %q, want %q", got, want)
	}
	r.Close()
	for i := range 3 {
		h.PublishCell("value", "ep", "/3/0/9", text(fmt.Sprint(i)))
	}
	h.Publish("deregistered", "ep", text("gone"))
	if got, want := every(t, newest), "2, 4\ngone, 5\n"; got != want {
		t.Errorf("nobody wants every update: %q, want %q", got, want)
	}
}

// What waits for a reader of every update is bounded like the rest.
func TestEveryUpdateIsFlushedBeforeItIsTooMuch(t *testing.T) {
	h := NewHub(Options{Epoch: 1, Cells: time.Hour, Size: 16})
	r, _ := h.Follow(nil)
	r.Every()
	for i := range 6 {
		h.PublishCell("value", "ep", "/3/0/9", text(fmt.Sprint(i)))
	}
	if got, want := every(t, r), "0 1 2 3, 1\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCellArrivesWithoutAnotherEvent(t *testing.T) {
	h := NewHub(Options{Epoch: 1, Cells: time.Millisecond})
	r, _ := h.Follow(nil)
	h.PublishCell("value", "ep", "x", text("1"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	events, err := r.Next(ctx)
	if err != nil || len(events) != 1 || string(events[0].Data()) != "1" {
		t.Fatalf("events %v, error %v", events, err)
	}
}

func TestNobodyLooksNothingIsKept(t *testing.T) {
	now := time.Unix(1000, 0)
	h := NewHub(Options{Epoch: 1, Linger: time.Minute, Now: func() time.Time { return now }})
	h.Publish("a", "", text("unseen"))
	r, _ := h.Follow(nil)
	h.Publish("a", "", text("seen"))
	since := h.Last()
	r.Close()
	now = now.Add(30 * time.Second)
	h.Publish("a", "", text("in between"))
	r, reset := h.Follow(&since)
	if got := drain(t, r); reset || got != "3 a in between\n" {
		t.Fatalf("back within the minute: reset %v, got %q", reset, got)
	}
	r.Close()
	now = now.Add(2 * time.Minute)
	h.Publish("a", "", text("lost"))
	if _, reset = h.Follow(&since); !reset {
		t.Fatal("back after the ring was emptied: no reset")
	}
}

func TestNextEnds(t *testing.T) {
	h := NewHub(Options{Epoch: 1})
	r, _ := h.Follow(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	h.Close()
	if _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestParseID(t *testing.T) {
	id := ID{0xdeadbeef01, 42}
	if got, ok := ParseID(id.String()); !ok || got != id {
		t.Errorf("round trip of %v: %v %v", id, got, ok)
	}
	for _, s := range []string{"", "1", "-", "x-", "1--2", "zz-1x"} {
		if _, ok := ParseID(s); ok {
			t.Errorf("%q was accepted", s)
		}
	}
}

func BenchmarkPublishUnwatched(b *testing.B) {
	h := NewHub(Options{Epoch: 1})
	f := text("x")
	b.ReportAllocs()
	for b.Loop() {
		h.PublishCell("updated", "ep", "", f)
	}
}
