package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"muster/bridge"
	"muster/bridge/spool"
	"muster/broker"
)

// A shelf is a sink that takes everything.
type shelf struct{ closed bool }

func (*shelf) Name() string { return "shelf" }

func (*shelf) Write(context.Context, []bridge.Record) error { return nil }

func (s *shelf) Close() { s.closed = true }

func openShelf(t *testing.T) *bridging {
	t.Helper()
	dir, err := openDataDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	b, err := openBridging(dir, spoolFlags{spool.MinSize}, []sinkSpec{{"shelf", func(string) (bridge.Sink, error) { return s, nil }}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.close(), dir.close()); err != nil {
			t.Error(err)
		}
		if !s.closed {
			t.Error("the sink is not closed")
		}
	})
	return b
}

func published(payload string, canTell bool) broker.Published {
	return broker.Published{Topic: "muster/v1/devices/d1/report", Device: "d1", Payload: []byte(payload), CanTell: canTell}
}

// Who can be told is told what is wrong, with the reason code of MQTT 5; of others it is kept with its flaw.
func TestReportsOfTheEmbeddedBroker(t *testing.T) {
	b := openShelf(t)
	for _, test := range []struct {
		payload string
		canTell bool
		code    byte // 0 is taken
		reason  string
	}{
		{`{"seq": 1}`, true, 0, ""},
		{`{"seq": 2}`, false, 0, ""},
		{`[]`, true, 0x99, "the payload must be a JSON object"},
		{`{"device": "d2"}`, true, 0x99, `device: must be "d1" as in the topic, or left out, is "d2"`},
		{`[]`, false, 0, ""},
	} {
		err := b.report(published(test.payload, test.canTell))
		refusal, _ := errors.AsType[*broker.Refusal](err)
		switch {
		case test.code == 0 && err != nil:
			t.Errorf("%s: %v", test.payload, err)
		case test.code != 0 && (refusal == nil || refusal.Code != test.code || refusal.Reason != test.reason):
			t.Errorf("%s: %#v", test.payload, err)
		}
	}
	if got := b.Stats(); got.Taken != 3 || got.Flawed != 1 || got.RefusedFlawed != 2 {
		t.Errorf("the counts are %+v", got)
	}
	payload := fmt.Sprintf(`{"pad":%q}`, strings.Repeat("x", 60_000))
	for range 20 {
		if err := b.report(published(payload, true)); err != nil {
			refusal, _ := errors.AsType[*broker.Refusal](err)
			if refusal == nil || refusal.Code != 0x97 {
				t.Errorf("when the spool is full: %#v", err)
			}
			return
		}
	}
	t.Error("the spool is never full")
}

// What may go better later is told from what ends the connection.
func TestRefusal(t *testing.T) {
	for _, test := range []struct {
		err  error
		code byte // 0 is none
	}{
		{&bridge.FlawError{Flaw: "no object"}, 0x99},
		{fmt.Errorf("%w: so is the disk", bridge.ErrFull), 0x97},
		{context.DeadlineExceeded, 0x97},
		{spool.ErrClosed, 0},
		{nil, 0},
	} {
		told, ok := errors.AsType[*broker.Refusal](refusal(test.err))
		switch {
		case ok && told.Code != test.code:
			t.Errorf("%v is told as %#x, want %#x", test.err, told.Code, test.code)
		case !ok && (test.code != 0 || !errors.Is(refusal(test.err), test.err)):
			t.Errorf("%v is told as %v", test.err, refusal(test.err))
		}
	}
}

// A sink that cannot be made ends the start and leaves nothing open.
func TestSinkThatCannotBeMade(t *testing.T) {
	dir, err := openDataDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.close()
	specs := []sinkSpec{{"shelf", func(string) (bridge.Sink, error) { return nil, context.Canceled }}}
	for range 2 {
		if _, err := openBridging(dir, spoolFlags{spool.MinSize}, specs, slog.New(slog.DiscardHandler)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}
