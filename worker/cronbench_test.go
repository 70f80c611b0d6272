package worker_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

// A bubble's time begins at midnight; jobs of the tests are to begin in the middle of a minute.
const half = 30 * time.Second

// cronBubble runs a test with a worker of device_group g at half a minute past midnight. Images "job:1", whose
// containers write "done" and end after 10 s, and "bad:1", which end at once with exit code 3, are in the registry.
func cronBubble(t *testing.T, test func(t *testing.T, b *bench)) {
	inBubble(t, func(t *testing.T, b *bench) {
		time.Sleep(half)
		b.machine.Push("job:1", enginetest.Image{RunTime: 10 * time.Second, Output: "done\n"})
		b.machine.Push("bad:1", enginetest.Image{Once: true, ExitCode: 3, Output: "no\n"})
		b.begin("g")
		test(t, b)
	})
}

// job is a cron_job that runs every minute, changed by the options.
func job(name, image string, options ...func(*topics.CronJob)) topics.CronJob {
	j := topics.NewCronJob(name, "* * * * *", image)
	for _, o := range options {
		o(&j)
	}
	return j
}

func jobID(id int64) func(*topics.CronJob) { return func(j *topics.CronJob) { j.CronJobID = id } }
func at(schedule string) func(*topics.CronJob) {
	return func(j *topics.CronJob) { j.Schedule = schedule }
}
func paused(j *topics.CronJob) { j.Running = false }

// cron is a config of group g with these cron_jobs.
func cron(t *testing.T, id int64, jobs ...topics.CronJob) worker.Offered {
	t.Helper()
	return encoded(t, topics.Version{Epoch: epoch, ConfigID: id}, topics.Content{DeviceGroup: "g", DeviceGroupID: 1, CronJobs: jobs})
}

// state is what the last report says of a cron_job, whose failing list must agree.
func (b *bench) state(name string) topics.CronJobState {
	b.t.Helper()
	synctest.Wait()
	said := b.link.said()
	r := said[len(said)-1]
	failing := topics.Failure{}
	for _, f := range r.Failing {
		if f.CronJob == name {
			failing = f
		}
	}
	for _, s := range r.CronJobs {
		if s.CronJob == name {
			if failing.Code != s.Code || failing.Reason != s.Reason {
				b.t.Errorf("failing is %+v, the state %+v", failing, s)
			}
			return s
		}
	}
	b.t.Fatalf("the report says nothing of %s: %+v", name, r)
	return topics.CronJobState{}
}

// wellOrNot expects the cron_job to have that code, with these words in its reason; both empty when it is well.
func (b *bench) wellOrNot(name string, code topics.Reason, words string) {
	b.t.Helper()
	if s := b.state(name); s.Code != code || !strings.Contains(s.Reason, words) {
		b.t.Errorf("%s: %s %q, want %s %q", name, s.Code, s.Reason, code, words)
	}
}

// starts is how many runs of the cron_job were started since the last time.
func (b *bench) starts(name string) (n int) {
	for _, op := range b.machine.Ops() {
		if op == "start "+name+".cron" {
			n++
		}
	}
	b.machine.ForgetOps()
	return n
}
