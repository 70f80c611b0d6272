package broker

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/test/logs"
)

// One identity that connects over and over is slowed down, and nobody else is: neither another, nor the one whose name somebody uses
// without its password.
func TestConnectRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logs.Buffer
		s := listen(t, func(o *Options) { o.Log, o.ConnectBurst, o.ConnectInterval = log.Logger(), 5, 10*time.Second })
		try := func(version byte, id, user, password string) byte {
			w := dialMemory(t, s, version)
			defer w.Close()
			return w.connect(id, as(user), func(pk *packets.Packet) { pk.Connect.Password = []byte(password) }).ReasonCode
		}
		for range 100 {
			if got := try(5, "d1", "d1", "guess"); got != 0x86 {
				t.Fatalf("a guess is answered with %#x", got)
			}
		}
		for i := range 5 {
			if got := try(5, fmt.Sprint("c", i), "d1", "secret"); got != 0 {
				t.Fatalf("connect %d is answered with %#x", i, got)
			}
		}
		for range 100 {
			if got := try(5, "d1", "d1", "secret"); got != 0x9f {
				t.Fatalf("one too many is answered with %#x, want 0x9f", got)
			}
		}
		if got := try(4, "d1", "d1", "secret"); got != 3 {
			t.Errorf("MQTT 3.1.1: one too many is answered with %d, want 3", got)
		}
		if got := try(5, "d2", "d2", "secret"); got != 0 {
			t.Errorf("another is answered with %#x", got)
		}
		for range 20 {
			w := dialMemory(t, s, 5)
			w.mustConnect("here") // without credentials, on this machine
			_ = w.Close()
		}
		if got := strings.Count(log.String(), "connects too often"); got != 1 {
			t.Errorf("refused many times within a minute, and that is logged %d times, want once", got)
		}
		time.Sleep(10 * time.Second)
		if got := try(5, "d1", "d1", "secret"); got != 0 {
			t.Errorf("after a while it is answered with %#x", got)
		}
		if got := try(5, "d1", "d1", "secret"); got != 0x9f {
			t.Errorf("once more it is answered with %#x, want 0x9f", got)
		}
		time.Sleep(sameRefusal)
		for range 8 {
			try(5, "d1", "d1", "secret")
		}
		if got := strings.Count(log.String(), "connects too often"); got != 2 {
			t.Errorf("a minute later it is logged %d times in all, want twice", got)
		}
	})
}

// Those who are refused with ever other names do not fill the log.
func TestRefusalsInTheLog(t *testing.T) {
	now := time.Now()
	r := newRefusals()
	lines := 0
	for i := range 100_000 {
		if r.worthALine(fmt.Sprint("c", i), "why", now.Add(time.Duration(i)*time.Millisecond)) {
			lines++
		}
	}
	if want := refusalBurst + 100*refusalRate; lines > want+1 || lines < want-refusalRate {
		t.Errorf("%d lines in 100 s, want about %d", lines, want)
	}
	if r.told.Len() > 1024 {
		t.Errorf("%d are remembered", r.told.Len())
	}
}
