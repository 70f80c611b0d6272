package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/topics"
	"muster/worker/enginetest"
)

func TestCronJobRunsWhenItIsDue(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "job:1")))
		b.didOps("pull job:1") // so that a run needs no network
		b.machine.Unpush("job:1")
		b.says(1)
		next := time.Now().Truncate(time.Minute).Add(time.Minute)
		diff(t, "state before", topics.CronJobState{CronJob: "clean", CronJobID: 1, Next: &next}, b.state("clean"))

		b.pass(time.Until(next) + time.Second)
		b.didOps("create clean.cron", "start clean.cron")
		after := next.Add(time.Minute)
		diff(t, "state during the run", topics.CronJobState{CronJob: "clean", CronJobID: 1, Next: &after, Started: &next}, b.state("clean"))

		b.pass(10 * time.Second)
		b.didOps("remove clean.cron")
		last := topics.CronRun{Started: next, Seconds: 10, Output: "done\n"}
		diff(t, "state after", topics.CronJobState{CronJob: "clean", CronJobID: 1, Next: &after, Last: &last}, b.state("clean"))
		b.says(1)

		b.pass(time.Hour)
		if n := b.starts("clean"); n != 60 {
			t.Errorf("%d runs in an hour, want 60", n)
		}
	})
}

func TestCronJobThatFails(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "bad:1"), job("other", "job:1")))
		b.pass(time.Minute)
		b.wellOrNot("clean", topics.ReasonRunFailed, "ended with exit code 3")
		if last := b.state("clean").Last; last == nil || last.ExitCode != 3 || last.Output != "no\n" {
			t.Errorf("the last run is %+v", last)
		}
		b.wellOrNot("other", "", "")
		b.machine.Push("good:1", enginetest.Image{Once: true})
		b.offer(cron(t, 2, job("clean", "good:1", jobID(2)), job("other", "job:1")))
		b.pass(time.Minute)
		b.wellOrNot("clean", "", "")
	})
}

func TestCronJobDoesNotOverlapWithItself(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("long:1", enginetest.Image{RunTime: 150 * time.Second})
		b.offer(cron(t, 1, job("clean", "long:1"), job("other", "job:1")))
		b.pass(half + 2*time.Second) // 00:01, until 00:03:30
		b.wellOrNot("clean", "", "")
		b.pass(time.Minute)
		b.wellOrNot("clean", topics.ReasonRunSkipped, "2000-01-01T00:02:00")
		b.pass(3 * time.Minute) // 00:05: the next one began at 00:04
		b.wellOrNot("clean", topics.ReasonRunSkipped, "2000-01-01T00:05:00")
		if n := b.starts("clean"); n != 2 {
			t.Errorf("%d runs, want 2", n)
		}
		b.pass(time.Minute + half) // over
		if s := b.state("clean"); s.Last == nil || s.Last.Seconds != 150 {
			t.Errorf("the state is %+v, want a run of 150 s", s)
		}
		b.pass(half)
		b.wellOrNot("clean", "", "")
	})
}

func TestAppAndCronJobOfTheSameName(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		o := encoded(t, topics.Version{Epoch: epoch, ConfigID: 1}, topics.Content{
			DeviceGroup: "g", DeviceGroupID: 1, Apps: []topics.App{newApp("web", "nginx:1")}, CronJobs: []topics.CronJob{job("web", "job:1")},
		})
		b.offer(o)
		b.pass(half + time.Second)
		b.runs("web.cron", "web-1")
		b.pass(time.Minute)
		b.machine.ForgetOps()
		b.offer(cron(t, 2, job("web", "job:1")))
		b.runs("web.cron")
		b.offer(config(t, 3, newApp("web", "nginx:1")))
		b.pass(2 * time.Second)
		b.runs("web-1")
	})
}

func TestStopEndsARun(t *testing.T) {
	for name, next := range map[string][]topics.CronJob{
		"not running": {job("clean", "long:1", paused, jobID(2)), job("other", "long:1")},
		"removed":     {job("other", "long:1")},
	} {
		t.Run(name, func(t *testing.T) {
			cronBubble(t, func(t *testing.T, b *bench) {
				b.machine.Push("long:1", enginetest.Image{RunTime: time.Hour})
				b.offer(cron(t, 1, job("clean", "long:1"), job("other", "long:1")))
				b.pass(half + time.Second)
				b.runs("clean.cron", "other.cron")
				b.offer(cron(t, 2, next...))
				b.runs("other.cron")
				b.says(2)
				b.pass(10 * time.Minute)
				b.runs("other.cron")
				b.offer(cron(t, 3, job("clean", "job:1", jobID(3)), job("other", "long:1"))) // and it is back
				b.pass(time.Minute)
				b.runs("clean.cron", "other.cron")
				if last := b.state("clean").Last; last != nil {
					t.Errorf("a run that was ended is the last one: %+v", last)
				}
			})
		})
	}
}

func TestUpdateLetsARunFinish(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("long:1", enginetest.Image{RunTime: 100 * time.Second, Output: "old\n"})
		b.offer(cron(t, 1, job("clean", "long:1")))
		b.pass(half + time.Second)
		b.didOps("pull long:1", "create clean.cron", "start clean.cron")
		b.offer(cron(t, 2, job("clean", "job:1", jobID(2))))
		b.says(2)
		b.pass(100 * time.Second)
		b.didOps("pull job:1", "remove clean.cron")
		if last := b.state("clean").Last; last == nil || last.Output != "old\n" {
			t.Errorf("the last run is %+v, want the old one", last)
		}
		b.pass(25 * time.Second)
		b.didOps("create clean.cron", "start clean.cron")
	})
}

// A new schedule is of no account for what was before it came.
func TestNewScheduleBeginsNow(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "job:1", at("30 12 * * *"))))
		b.pass(half + 5*time.Second) // 00:01:05
		b.offer(cron(t, 2, job("clean", "job:1", at("1 0 * * *"), jobID(2)), job("new", "job:1", at("1 0 * * *"))))
		b.pass(time.Hour)
		if n, m := b.starts("clean"), b.starts("new"); n+m != 0 {
			t.Errorf("%d and %d runs at a time that was before", n, m)
		}
	})
}

func TestScheduleThatIsNone(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "job:1", at("@every 5m")), job("other", "job:1")))
		b.pass(time.Minute)
		b.wellOrNot("clean", topics.ReasonScheduleInvalid, `schedule "@every 5m" must have five fields`)
		b.wellOrNot("other", "", "")
		if s := b.state("clean"); s.Next != nil {
			t.Errorf("it is to run at %v", s.Next)
		}
		if v := b.link.said(); v[len(v)-1].ConfigID != 1 {
			t.Error("the config does not count as applied")
		}
	})
}

func TestPullForACronJobFails(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "none:1", at("30 * * * *")), job("other", "job:1")))
		b.wellOrNot("clean", topics.ReasonUnknown, "the registry does not know it")
		if v := b.link.last(); v.ConfigID != 1 {
			t.Error("the config does not count as applied")
		}
		b.pass(20 * time.Minute)
		if tries := b.logged("step=pull"); tries < 6 || tries > 20 {
			t.Errorf("%d tries in 20 minutes, want some 10 with a growing pause", tries)
		}
		b.pass(10 * time.Minute) // 00:30:30
		if n := b.logged("a run of a cron_job was missed"); n != 1 {
			t.Errorf("%d runs are logged as missed, want 1", n)
		}
		b.machine.Push("none:1", enginetest.Image{RunTime: time.Second})
		b.pass(10 * time.Minute)
		b.wellOrNot("clean", topics.ReasonUnknown, "the run due at 2000-01-01T00:30:00")
		b.pass(50 * time.Minute)
		b.wellOrNot("clean", "", "")
		if n := b.starts("other"); n < 80 {
			t.Errorf("the other cron_job ran %d times, want some 90", n)
		}
	})
}

func TestImageThatIsGoneIsPulledWhenARunIsDue(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "job:1")))
		b.didOps("pull job:1")
		b.machine.Prune()
		b.machine.Push("job:1", enginetest.Image{PullTime: 10 * time.Second, RunTime: 5 * time.Second})
		b.pass(half + 12*time.Second)
		b.didOps("pull job:1", "create clean.cron", "start clean.cron")
		b.wellOrNot("clean", "", "")
	})
}

func TestRunsDoNotWaitForeverForAnImage(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: 149 * time.Minute, Bytes: 1000})
		b.offer(cron(t, 1, job("clean", "big:1", at("0 1 * * *"))))
		b.pass(4 * time.Hour)
		b.didOps("pull big:1")
		if n := b.logged("was missed"); n != 1 {
			t.Errorf("%d runs are logged as missed, want 1", n)
		}
	})
}

func TestRunThatCannotBeMade(t *testing.T) {
	for op, words := range map[enginetest.Op]string{
		enginetest.OpCreate: "create clean.cron: boom", enginetest.OpStart: "start id1: boom", enginetest.OpHas: "boom",
	} {
		t.Run(string(op), func(t *testing.T) {
			cronBubble(t, func(t *testing.T, b *bench) {
				b.offer(cron(t, 1, job("clean", "job:1")))
				b.machine.Fail(op, errors.New("boom"))
				b.pass(half + time.Second)
				b.wellOrNot("clean", topics.ReasonUnknown, "the run due at 2000-01-01T00:01:00Z could not be made: "+words)
				if n := b.starts("clean"); n != 0 {
					t.Errorf("%d runs, want none", n)
				}
				b.pass(half) // it is not tried again
				b.didOps()
				b.pass(half)
				b.wellOrNot("clean", "", "")
				b.runs("clean.cron")
			})
		})
	}
}

func TestOutputIsCutToItsEnd(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		long := strings.Repeat("é", 5000) + "end\xff"
		b.machine.Push("loud:1", enginetest.Image{Once: true, Output: long})
		b.offer(cron(t, 1, job("clean", "loud:1")))
		b.pass(half + time.Second)
		got := b.state("clean").Last.Output
		if len(got) > topics.MaxOutput || len(got) < topics.MaxOutput-4 || !strings.HasSuffix(got, "éend\uFFFD") || !strings.HasPrefix(got, "é") {
			t.Errorf("the output has %d bytes: %.20q … %q", len(got), got, got[len(got)-10:])
		}
	})
}

func TestCronFileThatIsOfNoUse(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "bad:1")))
		b.pass(time.Minute)
		for _, content := range []string{"", "null", "{", `{"clean": 1}`} {
			b.end()
			if err := os.WriteFile(filepath.Join(b.dir, "cron.json"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			b.restart("g")
			b.pass(2 * time.Minute)
			b.wellOrNot("clean", topics.ReasonRunFailed, "exit code 3")
		}
	})
}
