package identity

import (
	"testing"
	"testing/synctest"
	"time"
)

// What a device has been running counts, over restarts, whatever its clock says.
func TestAgeOutlivesRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		begin := func() *clock {
			c, err := loadClock(dir, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		age := func(c *clock, serial string) time.Duration {
			a, err := c.age(serial)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		c := begin()
		if a := age(c, "1"); a != 0 {
			t.Errorf("a new certificate is %v old", a)
		}
		for range 150 {
			time.Sleep(time.Minute)
			age(c, "1")
		}
		if a := age(c, "1"); a != 150*time.Minute {
			t.Errorf("it is %v old, want 2h30m", a)
		}
		c = begin()
		if a := age(c, "1"); a != 2*time.Hour {
			t.Errorf("after a loss of power it is %v old, want the full hours", a)
		}
		time.Sleep(30 * time.Minute)
		if a := age(c, "1"); a != 150*time.Minute {
			t.Errorf("it is %v old, want 2h30m", a)
		}
		if a := age(c, "2"); a != 0 {
			t.Errorf("the next certificate is %v old", a)
		}
	})
}

// A certificate is due by the clock or by what the device was running, whichever is further.
func TestWhenACertificateIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := loadClock(t.TempDir(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		k := &Keeper{clock: c, identity: &Identity{RenewAfter: 10 * time.Hour, Received: time.Now()}}
		k.identity.chain = serialOne
		if due := k.due(); due != 10*time.Hour {
			t.Errorf("due in %v, want 10h", due)
		}
		k.identity.Received = time.Now().Add(-9 * time.Hour) // it was off, and its clock is right
		if due := k.due(); due != time.Hour {
			t.Errorf("due in %v, want 1h", due)
		}
		k.identity.Received = time.Now().AddDate(50, 0, 0) // its clock fell back
		time.Sleep(4 * time.Hour)
		if due := k.due(); due != 6*time.Hour {
			t.Errorf("due in %v, want 6h", due)
		}
	})
}

// Of what servers have shown, that of the one that has let the device in counts, and nothing from before.
func TestWhatOthersHaveShownDoesNotCount(t *testing.T) {
	c, err := loadClock(t.TempDir(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.see(now.AddDate(70, 0, 0))
	c.see(now)
	if err := c.letIn(); err != nil || !c.saved.Known.Equal(now) {
		t.Errorf("it is %v, %v; want %v", c.saved.Known, err, now)
	}
}
