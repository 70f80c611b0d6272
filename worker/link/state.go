package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"muster/broker/client"
	"muster/worker/durable"
)

// stateFile is the file in the state directory that tells people on the device how the connection is.
const stateFile = "link.json"

// A State is how the connection to the managers is, as far as it was written down: at each change, and else with the
// reports, so that a device that idles hardly writes.
type State struct {
	Connected bool `json:"connected"`
	// Since is when Connected became what it is, and CheckedIn when a check-in was last answered; zero when none was.
	Since     time.Time `json:"since"`
	CheckedIn time.Time `json:"checked_in,omitzero"`
	// At is when this was written.
	At time.Time `json:"at"`
}

// LoadState reads what a link wrote into the state directory. It wraps [os.ErrNotExist] when none did.
func LoadState(dir string) (State, error) {
	path := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return State{}, err
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("read %s: %w", path, err)
	}
	return s, nil
}

// publish publishes, and notices when there is no connection.
func (l *Link) publish(ctx context.Context, c client.Client, m client.Message) error {
	err := c.Publish(ctx, m)
	if errors.Is(err, client.ErrNotConnected) {
		l.connected(false)
	}
	return err
}

// connected notes whether there is a connection.
func (l *Link) connected(is bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Connected != is || l.state.Since.IsZero() {
		l.state.Connected, l.state.Since = is, time.Now()
		l.saveState()
	}
}

// answered notes that a check-in was answered.
func (l *Link) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	first := l.state.CheckedIn.Before(l.state.Since)
	if !l.state.Connected {
		l.state.Connected, l.state.Since, first = true, now, true
	}
	l.state.CheckedIn = now
	if first || time.Since(l.stateSaved) >= l.ReportInterval {
		l.saveState()
	}
}

// saveState writes the state down. A failure costs people a look at it, and is in the log otherwise.
func (l *Link) saveState() {
	l.stateSaved = time.Now()
	s := l.state
	s.At = l.stateSaved
	data, err := json.Marshal(s)
	if err == nil {
		err = durable.WriteLoose(filepath.Join(l.StateDir, stateFile), data)
	}
	if err != nil {
		l.Log.Debug("the state of the connection is not written down", "error", err)
	}
}
