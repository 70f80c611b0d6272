// Package schedule says when a cron_job is due. Managers refuse schedules by it and workers run by it, so
// that both mean the same. It is apart from package topics because it needs a library.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	cron "github.com/netresearch/go-cron"
)

// The fields of crontab(5), and its rule that a day is right when it is right by the month or by the week
// if both are restricted.
var parser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom).
	WithMaxSearchYears(maxGap)

// maxGap is above the longest time in years between two times of a schedule: 29 February, around 2100.
const maxGap = 10

// names are the schedules that have one. They are those that Nebula's workers know, in small letters.
var names = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// A Schedule is a parsed schedule. [Parse] makes it.
type Schedule struct {
	times cron.Schedule
	// twice says that it goes by intervals rather than by the clock: see [Schedule.Next].
	twice bool
}

// Parse parses the five fields of crontab(5): minute, hour, day of month, month, day of week. Each is * or a
// list of numbers and ranges, with or without a step; months and days of the week also have English names
// of three letters, and Sunday is 0 and 7. A range may go over the end, as in "22-2" and "sat-mon". In their
// place may be one of the names @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually.
//
// Everything else is an error that says why: other names such as @every and @reboot, seconds, time zones, and
// a schedule with no time at all, such as one for 30 February.
func Parse(s string) (Schedule, error) {
	if named, ok := names[s]; ok {
		s = named
	}
	if err := checkText(s); err != nil {
		return Schedule{}, err
	}
	times, err := parser.Parse(s)
	if err != nil {
		return Schedule{}, fmt.Errorf("is not a schedule: %w", err)
	}
	fields := strings.Fields(s)
	parsed := Schedule{times: times, twice: fields[0][0] == '*' || fields[1][0] == '*'}
	// From there to the next time is never more than maxGap years.
	if parsed.Next(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, errors.New("has no time at all: there is no such day in that month")
	}
	return parsed, nil
}

// checkText refuses what the library would take, or would complain about in words that help nobody.
func checkText(s string) error {
	fields := strings.Fields(s)
	switch {
	case strings.HasPrefix(s, "@"):
		return errors.New(`must have five fields such as "0 4 * * *", or be @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually`)
	case strings.Contains(s, "="):
		return errors.New("must not name a time zone: it is always the device's own")
	case len(fields) != 5:
		return fmt.Errorf("must have five fields (minute, hour, day of month, month, day of week), has %d", len(fields))
	}
	for _, field := range fields {
		for part := range strings.SplitSeq(field, ",") {
			if !isPart(part) {
				return fmt.Errorf("must be made of *, numbers, names of three letters, ranges and steps, not %.40q", part)
			}
		}
	}
	return nil
}

// isPart reports whether s has the form of one part of a list: * or a value or a range, and perhaps a step.
func isPart(s string) bool {
	s, step, hasStep := strings.Cut(s, "/")
	if hasStep && !isNumber(step) {
		return false
	}
	first, last, isRange := strings.Cut(s, "-")
	return s == "*" || isValue(first) && (!isRange || isValue(last))
}

func isValue(s string) bool { return isNumber(s) || len(s) == 3 && strings.Trim(s, letters) == "" }

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Next is the first time of the schedule that is after t, by the clock of t's location. Where that clock is
// put forward over a time of the schedule, the time is an hour later that day, but left out if it is midnight
// that does not exist. Where the clock is put back, a time that comes twice counts the first time only, unless
// the schedule has * for the minute or the hour, with or without a step: then it is every so many minutes or
// hours, whatever the clock shows. This is what cron does.
func (s Schedule) Next(t time.Time) time.Time {
	next := s.times.Next(t)
	for !s.twice && comesAgain(next) {
		next = s.times.Next(next)
	}
	return next
}

// comesAgain reports whether the clock of t's location has shown t before, because it was put back since.
func comesAgain(t time.Time) bool {
	since, _ := t.ZoneBounds()
	if since.IsZero() {
		return false
	}
	_, before := since.Add(-1).Zone()
	_, now := t.Zone()
	return t.Before(since.Add(time.Duration(before-now) * time.Second))
}
