package rollout_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"muster/cmd/muster/internal/rollout"
	"muster/manager/client"
	"muster/manager/fleet"
	"muster/topics"
)

func TestRead(t *testing.T) {
	all := slices.Concat(many(100, 3, failing), many(200, 40, waiting), many(300, 5, updating), many(400, 20, done), many(500, 2, rolledBack),
		[]fleet.Device{offline(waiting("x1")), offline(failing("x2")), offline(done("x3"))})
	s, err := rollout.Read(t.Context(), &devices{all: all}, client.DeviceQuery{DeviceGroup: "shops"}, 15)
	if err != nil {
		t.Fatal(err)
	}
	if s.Failed != 5 || s.Waiting != 40 || s.Updating != 5 || s.Done != 20 || s.All.Offline != 3 || s.All.Devices != 73 || s.Wanted["shops"] != config(7) {
		t.Errorf("%+v", s)
	}
	var shown []string
	for _, d := range s.Shown {
		shown = append(shown, d.Device)
	}
	want := []string{"d100", "d101", "d102", "d500", "d501", "d300", "d301", "d302", "d303", "d304", "d200", "d201", "d202", "d203", "d204"}
	if !slices.Equal(shown, want) {
		t.Errorf("shown are %v, want %v", shown, want)
	}
}

// A rollout that is over is asked for in one question, however large the fleet.
func TestReadAsksNoMoreThanItMust(t *testing.T) {
	f := &devices{all: many(1, 5, done)}
	if s, err := rollout.Read(t.Context(), f, client.DeviceQuery{}, 10); err != nil || f.asked != 1 || s.Done != 5 || len(s.Shown) != 0 {
		t.Errorf("%d questions, %+v, %v", f.asked, s, err)
	}
}

func TestReadFails(t *testing.T) {
	f := &devices{all: many(1, 5, failing)}
	for last := 1; last <= 3; last++ {
		wrong := errors.New("no answer")
		f.asked, f.before = 0, func(asked int) error {
			if asked == last {
				return wrong
			}
			return nil
		}
		if _, err := rollout.Read(t.Context(), f, client.DeviceQuery{}, 10); !errors.Is(err, wrong) {
			t.Errorf("question %d fails: %v", last, err)
		}
	}
}

func TestDecide(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	patient := rollout.Rules{Patience: 30 * time.Second, Within: time.Hour}
	everybody, newer, endless := patient, patient, patient
	everybody.All = true
	newer.AtLeast = map[string]topics.Version{"shops": config(8)}
	endless.Within = 0
	old := patient
	old.AtLeast = map[string]topics.Version{"shops": config(6), "lab": config(9)}
	for name, tc := range map[string]struct {
		devices         []fleet.Device
		rules           rollout.Rules
		since, stuckFor time.Duration
		want            rollout.Outcome
	}{
		"all done":                        {many(1, 2, done), patient, 0, 0, rollout.Done},
		"one waits":                       {append(many(1, 2, done), waiting("x")), patient, 0, 0, rollout.Open},
		"one is at it":                    {append(many(1, 2, done), updating("x")), patient, 0, 0, rollout.Open},
		"one is offline":                  {append(many(1, 2, done), offline(waiting("x"))), patient, 0, 0, rollout.Done},
		"one is offline, all must":        {append(many(1, 2, done), offline(waiting("x"))), everybody, 0, 0, rollout.Open},
		"all are offline":                 {[]fleet.Device{offline(done("x"))}, patient, 0, 0, rollout.Open},
		"one fails for a moment":          {append(many(1, 2, done), failing("x")), patient, 0, 29 * time.Second, rollout.Open},
		"one keeps failing":               {append(many(1, 2, done), failing("x")), patient, 0, 30 * time.Second, rollout.Failed},
		"one has rolled back":             {append(many(1, 2, done), rolledBack("x")), patient, 0, 30 * time.Second, rollout.Failed},
		"one fails, one is at it":         {[]fleet.Device{failing("x"), updating("y")}, patient, 0, 30 * time.Second, rollout.Open},
		"an offline one fails":            {append(many(1, 2, done), offline(failing("x"))), patient, 0, 0, rollout.Done},
		"time is up":                      {many(1, 1, waiting), patient, time.Hour, 0, rollout.Late},
		"time is up, without a limit":     {many(1, 1, waiting), endless, time.Hour, 0, rollout.Open},
		"done at the last moment":         {many(1, 1, done), patient, time.Hour, 0, rollout.Done},
		"the change is not published yet": {many(1, 2, done), newer, 0, 0, rollout.Open},
		"it has been for long":            {many(1, 2, done), old, 0, 0, rollout.Done},
	} {
		s, err := rollout.Read(t.Context(), &devices{all: tc.devices}, client.DeviceQuery{DeviceGroup: "shops"}, 10)
		if err != nil {
			t.Fatal(err)
		}
		var stuck time.Time
		if tc.stuckFor > 0 {
			stuck = now.Add(-tc.stuckFor)
		}
		if got := tc.rules.Decide(s, now.Add(-tc.since), stuck, now); got != tc.want {
			t.Errorf("%s: outcome %d, want %d, of %+v", name, got, tc.want, s)
		}
	}
}

// Between two questions a device may go from one sort to another, and be counted in none.
func TestDoneIsWhatOneAnswerSays(t *testing.T) {
	for _, counted := range []fleet.Counts{{Devices: 2, Online: 2, Behind: 1}, {Devices: 2, Online: 2, Failing: 1}} {
		if got := (rollout.Rules{}).Decide(rollout.State{All: counted, Done: 2}, time.Now(), time.Time{}, time.Now()); got != rollout.Open {
			t.Errorf("outcome %d of %+v", got, counted)
		}
	}
}
