package worker

import (
	"testing"
	"time"
)

// Only one that runs has outlived the pause after its last start: the pauses of one that keeps ending grow.
func TestOnlyOneThatRunsOutlivesItsPause(t *testing.T) {
	for state, kept := range map[string]bool{"running": false, "exited": true, "restarting": true} {
		l := loop{starts: map[string]*retry{"id": {next: noon}}, restarts: map[string]restart{}}
		l.remember([]Container{{ID: "id", State: state}}, noon.Add(time.Millisecond))
		if _, is := l.starts["id"]; is != kept {
			t.Errorf("%s after its pause: kept is %v, want %v", state, is, kept)
		}
	}
}
