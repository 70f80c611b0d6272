package worker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

// clean is a cron_job that runs every hour.
func clean(options ...func(*topics.CronJob)) topics.CronJob {
	job := topics.NewCronJob("clean", "0 * * * *", "busybox:1")
	for _, o := range options {
		o(&job)
	}
	return job
}

func notRunning(j *topics.CronJob) { j.Running = false }

// aRun is a container of clean in that state.
func aRun(state string) Container {
	return Container{ID: "id", Name: "clean.cron", CronJob: "clean", Index: -1, Spec: "x", State: state}
}

func TestPlanCron(t *testing.T) {
	const none = "turn 12:00"
	before := turn{from: noon.Add(-time.Minute)}
	waiting := turn{from: noon, due: noon}
	later := turn{from: noon.Add(-time.Hour)}
	failed := func(next time.Duration) *trouble {
		return &trouble{retry: &retry{next: noon.Add(next), reason: "boom"}, code: topics.ReasonUnknown}
	}
	for _, test := range []struct {
		name string
		jobs []topics.CronJob
		seen []Container
		mem  cronMemory
		// want is the decision in words: what the turn is, what was missed or skipped, the steps.
		want string
	}{
		{name: "not due", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: noon}, pulled: true}, want: none},
		{name: "due", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: before, pulled: true}, want: "turn 12:00 due 12:00; run clean.cron"},
		{name: "new", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: noon}}, want: "turn 12:00; open; pull busybox:1"},
		{name: "new, on one of many devices", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: noon}, spread: noon.Add(time.Second)},
			want: "turn 12:00; open; wait busybox:1"},
		{name: "new, and it is this device's time", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: noon}, spread: noon},
			want: "turn 12:00; open; pull busybox:1"},
		{name: "due, which does not wait for the device's time", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: before, spread: noon.Add(time.Hour)},
			want: "turn 12:00 due 12:00; open; pull busybox:1"},
		{name: "due, image not pulled", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: before},
			want: "turn 12:00 due 12:00; open; pull busybox:1"},
		{name: "image not pulled, waits after a failure", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: noon}, trouble: failed(time.Second)},
			want: "turn 12:00; open; wait busybox:1 (unknown)"},
		{name: "image not pulled, tried again", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: noon}, trouble: failed(0)},
			want: "turn 12:00; open; pull busybox:1 (unknown)"},
		{name: "due, the pull does not wait after a failure", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: before, trouble: failed(time.Minute)},
			want: "turn 12:00 due 12:00; open; pull busybox:1 (unknown)"},
		{name: "due while its image is fetched", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: before, pulling: true},
			want: "turn 12:00 due 12:00; open"},
		{name: "due and fetched", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: waiting, pulled: true},
			want: "turn 12:00 due 12:00; run clean.cron"},
		{name: "due and made", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: waiting, pulled: true, busy: true},
			want: "turn 12:00 due 12:00; wait clean.cron"},
		{name: "due again while the one before waits", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: before.from, due: noon.Add(-time.Hour)}, pulling: true},
			want: "turn 12:00 due 11:00; skipped 12:00; open"},
		{name: "due too long ago", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: noon, due: noon.Add(-61 * time.Minute)}, pulled: true},
			want: "turn 12:00; missed 10:59"},
		{name: "due in what is the future now", jobs: []topics.CronJob{clean()}, mem: cronMemory{turn: turn{from: noon, due: noon.Add(time.Hour)}, pulled: true},
			want: "turn 12:00; missed 13:00"},
		{name: "long missed", jobs: []topics.CronJob{clean(func(j *topics.CronJob) { j.Schedule = "30 * * * *" })}, mem: cronMemory{turn: later, pulled: true},
			want: "turn 12:00; missed 11:30"},
		{name: "due while a run is going on", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("running")}, mem: cronMemory{turn: before, pulled: true},
			want: "turn 12:00; skipped 12:00; going id; keep clean.cron"},
		{name: "due while a run is paused", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("paused")}, mem: cronMemory{turn: before, pulled: true},
			want: "turn 12:00; skipped 12:00; going id; keep clean.cron (paused)"},
		{name: "due while a run is in a state unknown here", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("odd")}, mem: cronMemory{turn: before, pulled: true},
			want: "turn 12:00; skipped 12:00; going id; keep clean.cron"},
		{name: "due when the one before has just ended", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("exited")}, mem: cronMemory{turn: before, pulled: true},
			want: "turn 12:00 due 12:00; record clean.cron"},
		{name: "due when the one before is being removed", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("removing")}, mem: cronMemory{turn: before, pulled: true},
			want: "turn 12:00 due 12:00; wait clean.cron"},
		{name: "ended and recorded", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("exited")}, mem: cronMemory{turn: turn{from: noon}, pulled: true, ended: "id"},
			want: none + "; remove clean.cron"},
		{name: "ended, another one is recorded", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("dead")}, mem: cronMemory{turn: turn{from: noon}, pulled: true, ended: "other"},
			want: none + "; record clean.cron"},
		{name: "ended, and being seen to", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("exited")}, mem: cronMemory{turn: turn{from: noon}, pulled: true, busy: true},
			want: none + "; wait clean.cron"},
		{name: "ended, and could not be recorded", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("exited")}, mem: cronMemory{turn: turn{from: noon}, pulled: true, trouble: failed(time.Second)},
			want: none + "; wait clean.cron (unknown)"},
		{name: "made by one who was killed", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("created")}, mem: cronMemory{turn: turn{from: noon}, pulled: true},
			want: none + "; remove clean.cron"},
		{name: "made in part by one who was killed", jobs: []topics.CronJob{clean()}, seen: []Container{called(Container{CronJob: "clean", State: "created"}, "clean.cron.unfinished")},
			mem: cronMemory{turn: turn{from: noon}, pulled: true}, want: none + "; remove clean.cron.unfinished"},
		{name: "being made", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("created")}, mem: cronMemory{turn: waiting, pulled: true, busy: true},
			want: "turn 12:00 due 12:00; wait clean.cron"},
		{name: "updated while it runs", jobs: []topics.CronJob{clean(func(j *topics.CronJob) { j.CronJobID = 2 })}, seen: []Container{aRun("running")}, mem: cronMemory{turn: turn{from: noon}},
			want: "turn 12:00; going id; open; keep clean.cron; pull busybox:1"},
		{name: "stopped while it runs", jobs: []topics.CronJob{clean(notRunning)}, seen: []Container{aRun("running")}, mem: cronMemory{turn: waiting, pulled: true},
			want: "turn 12:00; going id; open; remove clean.cron"},
		{name: "stopped when it had ended", jobs: []topics.CronJob{clean(notRunning)}, seen: []Container{aRun("exited")}, mem: cronMemory{turn: waiting, pulled: true},
			want: none + "; record clean.cron"},
		{name: "stopped, and due", jobs: []topics.CronJob{clean(notRunning)}, mem: cronMemory{turn: before}, want: none},
		{name: "not a schedule", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("running")}, mem: cronMemory{turn: before, invalid: errors.New("boom")},
			want: "turn 12:00; going id; keep clean.cron"},
		{name: "not in the config", seen: []Container{aRun("running"), called(aRun("exited"), "x"), called(aRun("removing"), "y")},
			want: "turn 00:00; open; remove clean.cron; remove x; wait y"},
		{name: "not in the config, and being removed", seen: []Container{aRun("running")}, mem: cronMemory{busy: true},
			want: "turn 00:00; open; wait clean.cron"},
		{name: "not in the config, and cannot be removed", seen: []Container{aRun("running")}, mem: cronMemory{trouble: failed(time.Minute)},
			want: "turn 00:00; open; wait clean.cron (unknown)"},
		{name: "an app's", jobs: []topics.CronJob{clean()}, seen: []Container{{ID: "1", Name: "clean-1", App: "clean", Spec: "x", State: "running"}},
			mem: cronMemory{turn: before, pulled: true}, want: "turn 12:00 due 12:00; run clean.cron"},
		{name: "the worker starts", jobs: []topics.CronJob{clean()}, mem: cronMemory{pulled: true}, want: "turn 12:00 due 12:00; run clean.cron"},
		{name: "the worker starts while a run is going on", jobs: []topics.CronJob{clean()}, seen: []Container{aRun("running")}, mem: cronMemory{pulled: true},
			want: "turn 12:00; going id; keep clean.cron"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if len(test.jobs) > 0 {
				test.mem.schedule = parsed(t, test.jobs[0].Schedule)
			}
			now := noon
			if test.mem.turn == before || test.mem.turn == (turn{}) {
				now = noon.Add(time.Second)
			}
			decisions := planCron(test.jobs, test.seen, map[string]cronMemory{"clean": test.mem}, now)
			if len(decisions) != 1 {
				t.Fatalf("%d decisions, want one", len(decisions))
			}
			if got := inWords(decisions[0]); got != test.want {
				t.Errorf("(-want +got):\n%s", cmp.Diff(strings.Split(test.want, "; "), strings.Split(got, "; ")))
			}
		})
	}
}

// inWords is the decision as the table has it.
func inWords(d cronDecision) string {
	words := []string{"turn " + d.turn.from.Format("15:04")}
	if !d.turn.due.IsZero() {
		words[0] += " due " + d.turn.due.Format("15:04")
	}
	for _, told := range []struct {
		what string
		at   time.Time
	}{{"missed ", d.missed}, {"skipped ", d.skipped}} {
		if !told.at.IsZero() {
			words = append(words, told.what+told.at.Format("15:04"))
		}
	}
	if d.going != "" {
		words = append(words, "going "+d.going)
	}
	if d.open {
		words = append(words, "open")
	}
	for _, s := range d.steps {
		word := fmt.Sprintf("%s %s%s", s.Verb, s.Container, s.Image)
		if s.Code != "" {
			word += fmt.Sprintf(" (%s)", s.Code)
		}
		words = append(words, word)
	}
	return strings.Join(words, "; ")
}
