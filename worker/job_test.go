package worker

import (
	"context"
	"errors"
	"testing"
)

// startless is an engine that starts nothing, and names what it did not start by the id.
type startless struct{ Engine }

func (startless) Start(_ context.Context, id string) error { return errors.New("start " + id + ": no") }

func TestWhatCannotBeStartedIsNamed(t *testing.T) {
	c := &crew{engine: startless{}}
	err := c.step(t.Context(), Step{Verb: Start, ID: "1a2b3c", Container: "web-1"}, &result{})
	if err == nil || err.Error() != "web-1: start 1a2b3c: no" {
		t.Errorf("the error is %v", err)
	}
}
