package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"muster/worker/durable"
)

// clockFile holds in the state directory what a device without a clock of its own must know of time.
const clockFile = "identity-clock.json"

// ageStep is how often the age of a certificate is written down at most: a loss of power costs that much of it.
const ageStep = time.Hour

// A clock is what a device knows of the time although it may have no battery for it: then its clock is years behind after
// each start, until something on the network sets it, which may need a network that needs certificates to be judged.
//
// The past is known from what was issued: whatever has a certificate of an authority that is believed was made after its NotBefore.
// So certificates are judged at the latest of the clock, of the latest NotBefore of a server that has let this device in, and of the program's own making. A
// clock that is ahead is not doubted: nothing proves that the time has not come. But a manager whose clock is years ahead takes the device's certificate for one
// that is long over, and refuses it: so what it shows until then does not count, or the whole fleet would be out for years when that is set right.
type clock struct {
	dir string

	mu sync.Mutex
	// saved is what the file holds.
	saved clockState
	// seen is the NotBefore of the server's certificate that was verified last.
	seen time.Time
	// since is when the age of the certificate was last counted, by the steady clock.
	since time.Time
}

// A clockState is the file.
type clockState struct {
	// Known is a time that has passed for certain.
	Known time.Time `json:"known"`
	// Serial is the certificate whose age is counted, in what the device was running.
	Serial string        `json:"serial,omitempty"`
	Age    time.Duration `json:"age,omitempty"`
}

// loadClock reads the file. Built is when the program was.
func loadClock(dir string, built time.Time) (*clock, error) {
	c := &clock{dir: dir, since: time.Now()}
	path := filepath.Join(dir, clockFile)
	data, err := os.ReadFile(path)
	if err == nil {
		if err = json.Unmarshal(data, &c.saved); err != nil {
			c.saved = clockState{}
		}
	}
	if built.After(c.saved.Known) {
		c.saved.Known = built
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return c, fmt.Errorf("read %s: %w", path, err)
	}
	return c, nil
}

// now is the time to judge certificates at.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.After(c.saved.Known) {
		return now
	}
	return c.saved.Known
}

// see remembers the NotBefore of a server's certificate that was verified.
func (c *clock) see(notBefore time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = notBefore
}

// letIn notes that whoever has shown the last certificate has let this device in.
func (c *clock) letIn() error {
	c.mu.Lock()
	seen := c.seen
	c.mu.Unlock()
	return c.passed(seen)
}

// passed notes that a time has passed for certain.
func (c *clock) passed(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !t.After(c.saved.Known) {
		return nil
	}
	c.saved.Known = t
	return c.save()
}

// age counts for how long the device has been running with a certificate, by the steady clock, which nobody sets.
func (c *clock) age(serial string) (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.saved.Serial != serial {
		c.saved.Serial, c.saved.Age, c.since = serial, 0, time.Now()
		return 0, c.save()
	}
	elapsed := time.Since(c.since)
	if elapsed < ageStep {
		return c.saved.Age + elapsed, nil
	}
	c.saved.Age += elapsed
	c.since = time.Now()
	return c.saved.Age, c.save()
}

// save is called with the lock held.
func (c *clock) save() error {
	data, err := json.Marshal(c.saved)
	if err != nil {
		return fmt.Errorf("encode the clock: %w", err)
	}
	return durable.WriteFile(filepath.Join(c.dir, clockFile), data)
}
