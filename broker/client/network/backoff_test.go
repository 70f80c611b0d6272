package network

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

func TestBackoffDelays(t *testing.T) {
	b, err := Backoff{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 300
	var sums [14]time.Duration
	for range rounds {
		delays := b.delays()
		longest := time.Second
		for i := range sums {
			d := delays.NextBackOff()
			if d < 0 || d > longest+time.Nanosecond {
				t.Fatalf("wait %d is %v, want 0 to %v", i, d, longest)
			}
			sums[i] += d
			longest = min(2*longest, 10*time.Minute)
		}
	}
	longest := time.Second
	for i, sum := range sums {
		// The mean of 300 draws is within a fifth of the middle but for one time in a billion.
		if mean := sum / rounds; mean < longest*2/5 || mean > longest*3/5 {
			t.Errorf("wait %d is %v in the mean, want about %v", i, mean, longest/2)
		}
		longest = min(2*longest, 10*time.Minute)
	}
}

func TestBackoffOptions(t *testing.T) {
	for _, b := range []Backoff{{Min: -1}, {Stable: -1}, {Min: 2, Max: 1}, {Max: time.Millisecond}} {
		if _, err := b.withDefaults(); err == nil {
			t.Errorf("%+v: no error", b)
		}
	}
	if b, err := (Backoff{Min: time.Hour}).withDefaults(); err != nil || b.Max != time.Hour {
		t.Errorf("a long Min alone: %+v, %v", b, err)
	}
}

// waits are the times between a broker's connections.
func waits(b *fakeBroker) []time.Duration {
	var waits []time.Duration
	for i, at := range b.attempts() {
		if i > 0 {
			waits = append(waits, at.Sub(b.attempts()[i-1]))
		}
	}
	return waits
}

// A broker that takes connections only to drop them is not hammered.
func TestKickedAfterConnackCountsAsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{}
		b.on = func(conn *fakeConn, p *packets.ControlPacket) bool {
			conn.send(&packets.Connack{Properties: &packets.Properties{}})
			conn.Close()
			return true
		}
		c := b.dial(t, Options{})
		time.Sleep(3 * time.Hour)
		b.end(c)
		longest := time.Second
		for i, wait := range waits(b) {
			if wait > longest+time.Nanosecond {
				t.Errorf("wait %d was %v, want at most %v", i+1, wait, longest)
			}
			longest = min(2*longest, 10*time.Minute)
		}
		// Ten waits reach ten minutes, and from then on there are twelve an hour in the mean.
		if n := len(b.attempts()); n < 15 || n > 100 {
			t.Errorf("%d attempts in three hours, want about 45", n)
		}
	})
}

// After a broker is killed, not everybody comes back at the same moment.
func TestFirstReconnectIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients = 50
		var spread [4]int
		for range clients {
			b := &fakeBroker{}
			c := b.dial(t, Options{})
			awaitUp(c)
			b.latest().Close()
			time.Sleep(time.Second + time.Millisecond)
			b.end(c)
			if n := len(b.attempts()); n != 2 {
				t.Fatalf("%d attempts within a second of the loss, want 2", n)
			}
			spread[min(3, waits(b)[0]*4/time.Second)]++
		}
		for i, n := range spread {
			// Ten or more would be usual; none at all happens once in a million times.
			if n == 0 {
				t.Errorf("none of %d clients came back in quarter %d of the second: %v", clients, i+1, spread)
			}
		}
	})
}

func TestBackoffStartsOverWhenStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{}
		b.on = func(conn *fakeConn, p *packets.ControlPacket) bool {
			if conn.number <= 12 {
				conn.Close()
			}
			return conn.number <= 12
		}
		c := b.dial(t, Options{})
		defer b.end(c)
		awaitUp(c)
		time.Sleep(5 * time.Minute)
		lost := time.Now()
		b.latest().Close()
		time.Sleep(time.Second + time.Millisecond)
		attempts := b.attempts()
		if last := attempts[len(attempts)-1]; len(attempts) != 14 || last.Before(lost) {
			t.Errorf("no new attempt within a second after the loss of a stable connection, %d in all", len(attempts))
		}
	})
}
