package publish

import (
	"errors"
	"testing"
	"time"
)

func TestCounts(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.wire.react(on("g", reaction{err: errors.New("too busy")}))
		s.change("g", 1)
		s.wire.react(nil)
		s.pause(time.Minute)
		s.change("g", 2)
		s.shelf.remove("g")
		s.Poke("ada")
		s.pause(time.Minute)
		if got, want := s.Counts(), (Counts{Published: 2, Failed: 1, Cleared: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
