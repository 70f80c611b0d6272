package outbox_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/topics"
	"muster/worker/outbox"
)

func open(dir string) *outbox.Outbox {
	return outbox.Open(dir, outbox.DefaultSize, slog.New(slog.DiscardHandler))
}

func place(t *testing.T) string { return filepath.Join(t.TempDir(), "outbox") }

func add(t *testing.T, o *outbox.Outbox, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := o.Add([]byte(p)); err != nil {
			t.Fatalf("Add: %v", err)
		}
	}
}

// take removes the first report, and returns it; empty when there is none.
func take(t *testing.T, o *outbox.Outbox) string {
	t.Helper()
	r, err := o.First()
	if err != nil {
		t.Fatalf("First: %v", err)
	}
	if r == nil {
		return ""
	}
	o.Remove(r)
	return string(r.Payload)
}

// holds checks what waits, and takes it.
func holds(t *testing.T, o *outbox.Outbox, want ...string) {
	t.Helper()
	if o.Len() != len(want) {
		t.Errorf("%d reports wait, want %d", o.Len(), len(want))
	}
	var got []string
	for p := take(t, o); p != ""; p = take(t, o) {
		got = append(got, p)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("%d reports are %.20q..., want %d from %.20q on", len(got), got[:min(len(got), 3)], len(want), want[:min(len(want), 3)])
		}
	}
}

func numbered(from, to int) (list []string) {
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprintf(`{"seq":%d}`, i))
	}
	return list
}

func TestReportsLeaveInOrderAndOnce(t *testing.T) {
	dir := place(t)
	o := open(dir)
	holds(t, o)
	add(t, o, "a", "b", "c")
	first, err := o.First()
	if err != nil || string(first.Payload) != "a" {
		t.Fatalf("First: %v, %v", first, err)
	}
	if again, _ := o.First(); string(again.Payload) != "a" {
		t.Error("the first report has left without being removed")
	}
	o.Remove(first)
	o.Remove(first)
	add(t, o, "d")
	holds(t, o, "b", "c", "d")
	if o.Dropped() != 0 {
		t.Errorf("dropped: %d", o.Dropped())
	}
	add(t, o, "e")
	holds(t, open(dir), "e") // as after a restart
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("left are %v, %v", files, err)
	}
}

func TestEqualReportsAreSeveral(t *testing.T) {
	o := open(place(t))
	add(t, o, "a", "a")
	holds(t, o, "a", "a")
}

func TestOldestAreDroppedBeyondTheirNumber(t *testing.T) {
	dir := filepath.Join(disk(t, "16m"), "outbox") // in memory, because it is a thousand writes
	o := open(dir)
	all := numbered(1, outbox.MaxReports+3)
	for _, p := range all {
		add(t, o, p)
	}
	if want := (outbox.Count{Waiting: outbox.MaxReports, Dropped: 3}); o.Dropped() != 3 || outbox.Look(dir) != want {
		t.Errorf("dropped: %d, want 3; counted %+v, want %+v", o.Dropped(), outbox.Look(dir), want)
	}
	o = open(dir)
	if o.Dropped() != 3 {
		t.Errorf("dropped, after a restart: %d, want 3", o.Dropped())
	}
	holds(t, o, all[3:]...)
}

func TestOldestAreDroppedBeyondTheirSize(t *testing.T) {
	dir := place(t)
	large := strings.Repeat("x", topics.MaxPayload)
	log := &strings.Builder{}
	o := outbox.Open(dir, 3*topics.MaxPayload, slog.New(slog.NewTextHandler(log, nil)))
	add(t, o, "1"+large[1:], "2"+large[1:], "3"+large[1:])
	if o.Dropped() != 0 {
		t.Fatalf("dropped: %d, though there is room", o.Dropped())
	}
	add(t, o, "a small one")
	if o.Dropped() != 1 || strings.Count(log.String(), "dropped=1") != 1 {
		t.Errorf("dropped: %d, log:\n%s", o.Dropped(), log)
	}
	// The size was made smaller.
	o = outbox.Open(dir, outbox.MinSize, slog.New(slog.DiscardHandler))
	if o.Dropped() != 2 {
		t.Errorf("dropped: %d, want 2", o.Dropped())
	}
	holds(t, o, "3"+large[1:], "a small one")
	if o := open(dir); o.Dropped() != 2 {
		t.Errorf("dropped, after a restart: %d, want 2", o.Dropped())
	}
}

// A report takes whole blocks of the disk, and there is room for two large ones whatever size is asked for.
func TestReportsTakeBlocks(t *testing.T) {
	o := outbox.Open(place(t), 1, slog.New(slog.DiscardHandler))
	fit := outbox.MinSize / (2 * 4096)
	all := numbered(1, fit+1)
	for i := range all {
		all[i] += strings.Repeat(" ", 4097-len(all[i]))
	}
	add(t, o, all[:fit]...)
	if o.Dropped() != 0 {
		t.Fatalf("dropped: %d of %d", o.Dropped(), fit)
	}
	add(t, o, all[fit])
	if o.Dropped() != 1 {
		t.Errorf("dropped: %d, want 1", o.Dropped())
	}
	holds(t, o, all[1:]...)
}

// Whatever is done in whatever order, with restarts in between, an outbox is a queue.
func TestOutboxIsAQueue(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test
	dir := place(t)
	o := open(dir)
	var model []string
	for i := range 500 {
		switch n := random.IntN(10); {
		case n < 5:
			p := fmt.Sprintf("%d%s", i, strings.Repeat("x", random.IntN(20_000)))
			add(t, o, p)
			model = append(model, p)
		case n < 9 && len(model) > 0:
			if got := take(t, o); got != model[0] {
				t.Fatalf("seed %d, step %d: took %.20q, want %.20q", seed, i, got, model[0])
			}
			model = model[1:]
		case n == 9:
			o = open(dir)
		}
		if o.Len() != len(model) {
			t.Fatalf("seed %d, step %d: %d reports wait, want %d", seed, i, o.Len(), len(model))
		}
	}
	holds(t, o, model...)
}
