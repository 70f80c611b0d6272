package checkin

import (
	"errors"
	"fmt"
	"testing"

	"muster/manager/store"
	"muster/topics"
)

func TestOutcomeOf(t *testing.T) {
	for _, tc := range []struct {
		name  string
		reply topics.CheckinReply
		err   error
		want  string
	}{
		{"same", topics.CheckinReply{Unchanged: true}, nil, "unchanged"},
		{"newer", topics.CheckinReply{Config: []byte("{}")}, nil, "config"},
		{"device ahead", topics.CheckinReply{Unchanged: true, StoreBehind: true}, nil, "store_behind"},
		{"no such group", topics.CheckinReply{}, fmt.Errorf("g: %w", store.ErrNotFound), "refused"},
		{"no config", topics.CheckinReply{}, fmt.Errorf("g: %w", &topics.FieldError{Field: "config"}), "refused"},
		{"too many lookups", topics.CheckinReply{}, errBusy, "unavailable"},
		{"store down", topics.CheckinReply{}, errors.New("disk on fire"), "unavailable"},
	} {
		if got := outcomeOf(tc.reply, tc.err); got != Outcomes()[tc.want] {
			t.Errorf("%s: %v, want %s", tc.name, got, tc.want)
		}
	}
	if len(Outcomes()) != int(outcomes) {
		t.Errorf("%d outcomes have a word, of %d", len(Outcomes()), outcomes)
	}
}
