package worker

import (
	"strings"
	"testing"
	"time"

	"muster/topics/schedule"
)

// clock reads a time of the tests, in UTC.
func clock(t *testing.T, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func parsed(t *testing.T, s string) schedule.Schedule {
	t.Helper()
	parsed, err := schedule.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// Whatever the clock does, a time that has come is told once, and what is past is not made up for.
func TestTurn(t *testing.T) {
	for name, test := range map[string]struct {
		schedule string
		// shows are the times that the clock shows, one after the other, each with what is told then: nothing,
		// "came TIME", "missed TIME", or both.
		shows []string
	}{
		"every minute": {"* * * * *", []string{
			"2026-03-01 12:00:10", "2026-03-01 12:00:40", "2026-03-01 12:01:00 came 12:01:00", "2026-03-01 12:01:00", "2026-03-01 12:01:30",
			"2026-03-01 12:02:30 came 12:02:00", "2026-03-01 12:03:00 came 12:03:00",
		}},
		"a little late": {"0 4 * * *", []string{
			"2026-03-01 03:59:30", "2026-03-01 04:00:59 came 04:00:00", "2026-03-01 04:01:30", "2026-03-02 04:00:00 came 04:00:00",
		}},
		"too late": {"0 4 * * *", []string{
			"2026-03-01 03:59:30", "2026-03-01 04:01:00 missed 04:00:00", "2026-03-01 04:01:30", "2026-03-02 04:00:00 came 04:00:00",
		}},
		"many are missed at once and told once": {"* * * * *", []string{
			"2026-03-01 12:00:10", "2026-03-01 15:00:30 missed 12:01:00 came 15:00:00", "2026-03-01 15:01:00 came 15:01:00",
		}},
		"from 1970 to now": {"* * * * *", []string{
			"1970-01-01 00:00:20", "1970-01-01 00:01:00 came 00:01:00", "2026-03-01 12:00:30 missed 00:02:00 came 12:00:00",
			"2026-03-01 12:01:00 came 12:01:00",
		}},
		"from 1970 to now, once a year": {"@yearly", []string{
			"1970-01-01 00:00:20", "2026-03-01 12:00:30 missed 00:00:00", "2026-12-31 23:59:59", "2027-01-01 00:00:01 came 00:00:00",
		}},
		"from 1970 to the right time": {"0 4 * * *", []string{
			"1970-01-01 00:00:20", "2026-03-01 04:00:15 missed 04:00:00 came 04:00:00", "2026-03-01 04:01:00", "2026-03-02 04:00:00 came 04:00:00",
		}},
		"from the far future back to now": {"* * * * *", []string{
			"2076-03-01 12:00:10", "2076-03-01 12:01:00 came 12:01:00", "2026-03-01 12:00:30", "2026-03-01 12:01:00 came 12:01:00",
		}},
		"a little back over a time that has come": {"* * * * *", []string{
			"2026-03-01 12:00:59", "2026-03-01 12:01:00 came 12:01:00", "2026-03-01 12:00:58", "2026-03-01 12:01:00", "2026-03-01 12:01:01",
			"2026-03-01 12:02:00 came 12:02:00",
		}},
		"back and forth": {"30 12 * * *", []string{
			"2026-03-01 12:29:00", "2026-03-01 12:30:00 came 12:30:00", "2026-03-01 12:26:00", "2026-03-01 12:30:00",
			"2026-03-01 12:00:00", "2026-03-01 12:30:00 came 12:30:00", // so far that it is another time
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := parsed(t, test.schedule)
			var turn turn
			for i, show := range test.shows {
				now := clock(t, show[:19])
				if i == 0 {
					turn.from = now
				}
				came, missed := turn.move(s, now)
				var got strings.Builder
				got.WriteString(show[:19])
				for _, told := range []struct {
					what string
					at   time.Time
				}{{" missed ", missed}, {" came ", came}} {
					if !told.at.IsZero() {
						got.WriteString(told.what + told.at.Format(time.TimeOnly))
					}
				}
				if got.String() != show {
					t.Errorf("got %q, want %q", got.String(), show)
				}
			}
		})
	}
}

func TestTurnAtTheStart(t *testing.T) {
	s := parsed(t, "0 4 * * *")
	for name, test := range map[string]struct {
		now, last string
		going     bool
		came      string
	}{
		"due since":                        {now: "2026-03-01 04:00:30", came: "2026-03-01 04:00:00"},
		"due long since":                   {now: "2026-03-01 04:01:30"},
		"due since, and a run is going on": {now: "2026-03-01 04:00:30", going: true},
		"due since, and a run is over":     {now: "2026-03-01 04:00:30", last: "2026-03-01 04:00:01"},
		"due since, and a run of before":   {now: "2026-03-01 04:00:30", last: "2026-02-28 04:00:01", came: "2026-03-01 04:00:00"},
		"a run of the future":              {now: "2026-03-01 04:00:30", last: "2076-02-28 04:00:01", came: "2026-03-01 04:00:00"},
	} {
		turn := begin(clock(t, test.now), clock(t, test.last), test.going)
		if came, missed := turn.move(s, clock(t, test.now)); !came.Equal(clock(t, test.came)) || !missed.IsZero() {
			t.Errorf("%s: came %v, missed %v, want %q and none", name, came, missed, test.came)
		}
	}
}
