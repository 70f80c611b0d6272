package broker

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// reporting has the broker hand reports to f.
func reporting(f func(Published) error) func(*Options) {
	return func(o *Options) { o.Report = f }
}

// What is acknowledged has been taken.
func TestReportIsTakenBeforeItIsAcknowledged(t *testing.T) {
	for _, version := range []byte{4, 5} {
		synctest.Test(t, func(t *testing.T) {
			taken := make(chan error)
			s := listen(t, reporting(func(Published) error { return <-taken }))
			w := dialMemory(t, s, version).mustConnect("d1", as("d1"))
			w.send(publishPacket(device(topics.DeviceReport, "d1"), "{}", 1, false))
			if pk, err := w.receive(time.Minute); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("MQTT %d: before it was taken, %v %v came", version, packets.PacketNames[pk.FixedHeader.Type], err)
			}
			taken <- nil
			if pk := w.want(packets.Puback); pk.ReasonCode != 0 || pk.PacketID != 7 {
				t.Errorf("MQTT %d: acknowledged as %+v", version, pk)
			}
		})
	}
}

func TestRefusedReports(t *testing.T) {
	full := &Refusal{Code: 0x97, Reason: "the spool is full"}
	tests := []struct {
		name    string
		version byte
		qos     byte
		err     error
		canTell bool
		check   func(w *wire)
	}{
		{"MQTT 5 is told", 5, 1, full, true, func(w *wire) {
			if pk := w.want(packets.Puback); pk.ReasonCode != 0x97 || pk.Properties.ReasonString != "the spool is full" || pk.PacketID != 7 {
				w.t.Errorf("the answer is %+v", pk)
			}
			w.wantSilence()
		}},
		{"MQTT 5, another error", 5, 1, os.ErrInvalid, true, func(w *wire) {
			if pk := w.want(packets.Disconnect); pk.ReasonCode != packets.ErrServerBusy.Code {
				w.t.Errorf("disconnected with %#x", pk.ReasonCode)
			}
			w.wantEnd()
		}},
		{"MQTT 3.1.1 is not acknowledged", 4, 1, full, false, (*wire).wantEnd},
		{"MQTT 5, QoS 0 is dropped", 5, 0, full, false, (*wire).wantSilence},
		{"MQTT 3.1.1, QoS 0 is dropped", 4, 0, full, false, (*wire).wantSilence},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var seen []Published
			s := listen(t, reporting(func(p Published) error {
				seen = append(seen, p)
				return test.err
			}))
			manager := s.Client("manager")
			defer manager.Close()
			delivered := make(chan string, 2)
			subscribeLocal(t, manager, "#", func(payload string) { delivered <- payload })
			w := dialMemory(t, s, test.version).mustConnect("d1", as("d1"))
			w.send(publishPacket(device(topics.DeviceReport, "d1"), "{}", test.qos, true))
			test.check(w)
			want := []Published{{Topic: device(topics.DeviceReport, "d1"), Device: "d1", Payload: []byte("{}"), CanTell: test.canTell}}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.Stats().Retained != 0 {
				t.Error("it is retained")
			}
			if err := manager.Publish(t.Context(), messageTo(group("g"))); err != nil {
				t.Fatal(err)
			}
			if payload := <-delivered; payload != "x" {
				t.Errorf("%q is delivered", payload)
			}
		})
	}
}

// A will may be a report, and nothing else is one.
func TestWhatCountsAsReport(t *testing.T) {
	seen := make(chan Published, 10)
	s := listen(t, reporting(func(p Published) error {
		seen <- p
		return nil
	}))
	w := dialMemory(t, s, 4).mustConnect("d1", as("d1"), withWill(device(topics.DeviceReport, "d1"), `"will"`, false))
	for _, kind := range []topics.Kind{topics.DeviceStatus, topics.DeviceProgress, topics.DeviceCheckin} {
		w.publish(device(kind, "d1"), "{}", false)
	}
	w.send(publishPacket(device(topics.DeviceReport, "d1"), "{}", 0, false))
	w.wantSilence()
	w.Close()
	for _, want := range []string{"{}", `"will"`} {
		select {
		case p := <-seen:
			if string(p.Payload) != want || p.CanTell || p.Device != "d1" {
				t.Errorf("got %+v with %s, want %s", p, p.Payload, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s never came", want)
		}
	}
	other := dialMemory(t, s, 5).mustConnect("d2", as("d2"))
	if code := other.publish(device(topics.DeviceReport, "d1"), "{}", false); code != packets.ErrNotAuthorized.Code {
		t.Errorf("for another device: answered %#x", code)
	}
	if len(seen) != 0 {
		t.Errorf("more is taken: %+v", <-seen)
	}
}

// A report that is sent behind one which cannot be refused in words comes again behind it, after the next connect; to take it now
// would turn the order round.
func TestNothingIsTakenBehindAReportThatWasNot(t *testing.T) {
	for _, version := range []byte{4, 5} {
		var seen []string
		s := listen(t, reporting(func(p Published) error {
			seen = append(seen, string(p.Payload))
			return os.ErrInvalid
		}))
		w := dialMemory(t, s, version).mustConnect("d1", as("d1"))
		first := w.encode(publishPacket(device(topics.DeviceReport, "d1"), `"first"`, 1, false))
		second := w.encode(publishPacket(device(topics.DeviceReport, "d1"), `"second"`, 1, false))
		if _, err := w.Write(append(first, second...)); err != nil {
			t.Fatal(err)
		}
		if version == 5 {
			w.want(packets.Disconnect)
		}
		w.wantEnd()
		if diff := cmp.Diff([]string{`"first"`}, seen); diff != "" {
			t.Errorf("MQTT %d: handed over (-want +got):\n%s", version, diff)
		}
	}
}
