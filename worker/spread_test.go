package worker

import (
	"testing"
	"time"

	"muster/topics"
)

// An app that is changed again, after the time that was drawn for its change before, waits anew.
func TestEachChangeIsSpreadOut(t *testing.T) {
	l := loop{Options: Options{MaxRestartWait: time.Hour}, spread: map[string]time.Time{"web": noon.Add(-time.Second)}}
	l.spreadOut(map[string]topics.App{"web": web()}, map[string]topics.App{"web": web(withID(2))}, noon)
	if due := l.spread["web"]; due.Before(noon) || due.After(noon.Add(time.Hour)) {
		t.Errorf("the change may begin at %v, want within the hour from %v", due, noon)
	}
}
