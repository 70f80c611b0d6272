package docker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"muster/test/rig"
	"muster/topics"
	"muster/worker"
)

// job is a cron_job of the bench's image; change may be nil.
func (b *bench) job(change func(*topics.CronJob)) worker.Spec {
	b.t.Helper()
	job := topics.NewCronJob(rig.Name("job"), "* * * * *", b.image)
	job.Command = []string{"-exit", "0"}
	if change != nil {
		change(&job)
	}
	return worker.NewCronSpec(job)
}

// Labels of people's own make neither an app's container of a run nor the other way round, and where names are
// resolved a run does not answer to the name of an app that has the cron_job's.
func TestRunsAreToldFromApps(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	own := map[string]string{worker.LabelApp: "own", worker.LabelCronJob: "own", worker.LabelAppName: "own", worker.LabelContainerType: "own", "mine": "1"}
	job := b.job(func(j *topics.CronJob) { j.Labels = own })
	app := b.spec(func(s *worker.Spec) { s.Labels = own })
	for _, test := range []struct {
		spec worker.Spec
		want map[string]string
	}{
		{job, map[string]string{worker.LabelApp: "", worker.LabelCronJob: job.CronJob, worker.LabelAppName: job.CronJob, worker.LabelContainerType: "cron_job"}},
		{app, map[string]string{worker.LabelApp: app.App, worker.LabelCronJob: "", worker.LabelAppName: app.App, worker.LabelContainerType: "app"}},
	} {
		id, err := b.Create(t.Context(), test.spec)
		b.must(err)
		made, err := b.api.ContainerInspect(t.Context(), id)
		b.must(err)
		for label, want := range test.want {
			if got := made.Config.Labels[label]; got != want {
				t.Errorf("%s: label %s = %q, want %q", test.spec.Name(), label, got, want)
			}
		}
		if made.Config.Labels["mine"] != "1" {
			t.Errorf("%s: labels %v do not have the spec's own", test.spec.Name(), made.Config.Labels)
		}
		if test.spec.CronJob == "" {
			continue
		}
		if policy := made.HostConfig.RestartPolicy.Name; policy != container.RestartPolicyDisabled {
			t.Errorf("restart policy %q, want none", policy)
		}
		if aliases := made.NetworkSettings.Networks["nebula"].Aliases; slices.Contains(aliases, job.CronJob) {
			t.Errorf("the run answers to %q", aliases)
		}
	}
}

func TestLogs(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	const ending = "hello: ending, as asked\n"
	long := strings.Repeat("x", 100_000) // the engine splits such a line
	for name, test := range map[string]struct {
		say string
		// want is what there is beside the ending, which is on the other stream: engines do not keep the order.
		want string
	}{
		"both streams":       {"out\n", "out\n"},
		"no line end":        {"out", "out"},
		"a very long line":   {long + "\n", long[:1000-len(ending)-1] + "\n"},
		"a great many lines": {strings.Repeat("line\n", 500), strings.Repeat("line\n", 99)},
	} {
		t.Run(name, func(t *testing.T) {
			spec := b.job(func(j *topics.CronJob) {
				j.Command, j.Networks = []string{"-exit", "0", "-after", "500ms", "-say", test.say}, []string{"none"}
			})
			id := b.run(spec)
			eventually(t, "end of the run", func() error {
				said, err := b.Logs(t.Context(), id, 1000)
				if err != nil {
					return err
				}
				before, after, ended := strings.Cut(string(said), ending)
				if got := before + after; !ended || got != test.want {
					return fmt.Errorf("it says %.80q… of %d bytes, want %.80q… of %d", got, len(got), test.want, len(test.want))
				}
				return nil
			})
			b.must(b.Remove(t.Context(), id))
		})
	}
}
