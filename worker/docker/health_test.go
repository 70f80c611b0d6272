package docker_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"muster/test/rig"
	"muster/topics"
	"muster/worker"
)

// health waits until the only container's health is that.
func (b *bench) health(want string) {
	b.t.Helper()
	b.eventually("health "+want, func() error {
		list, err := b.List(b.t.Context())
		if err == nil && (len(list) != 1 || list[0].Health != want) {
			err = fmt.Errorf("containers are %+v", list)
		}
		return err
	})
}

func TestHealthcheckOfTheApp(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec, id := b.with(func(s *worker.Spec) {
		s.Healthcheck = &topics.Healthcheck{Test: []string{"CMD", "/hello", "-check"}, IntervalSeconds: 1, TimeoutSeconds: 9, StartPeriodSeconds: 2, Retries: 1}
	})
	b.health("healthy")
	b.call(http.MethodPut, spec.Ports[0].Host, "/health", "sick")
	b.health("unhealthy")
	b.call(http.MethodPut, spec.Ports[0].Host, "/health", "well")
	b.health("healthy")
	made, err := b.api.ContainerInspect(t.Context(), id)
	b.must(err)
	if h := made.Config.Healthcheck; h.Interval != time.Second || h.Timeout != 9*time.Second || h.StartPeriod != 2*time.Second || h.Retries != 1 {
		t.Errorf("health check %+v", h)
	}
}

func TestHealthcheckOfTheImage(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1", Healthcheck: true})
	for name, test := range map[string]struct {
		app  *topics.Healthcheck
		want container.HealthConfig
	}{
		"is kept":              {nil, container.HealthConfig{Test: []string{"CMD", "/hello", "-check"}, Interval: time.Second, Timeout: 10 * time.Second, Retries: 2}},
		"is changed in part":   {&topics.Healthcheck{Retries: 7}, container.HealthConfig{Test: []string{"CMD", "/hello", "-check"}, Interval: time.Second, Timeout: 10 * time.Second, Retries: 7}},
		"is switched off":      {&topics.Healthcheck{Test: []string{"NONE"}}, container.HealthConfig{Test: []string{"NONE"}, Interval: time.Second, Timeout: 10 * time.Second, Retries: 2}},
		"gets another command": {&topics.Healthcheck{Test: []string{"CMD-SHELL", "true"}}, container.HealthConfig{Test: []string{"CMD-SHELL", "true"}, Interval: time.Second, Timeout: 10 * time.Second, Retries: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := b.Create(t.Context(), b.spec(func(s *worker.Spec) { s.Healthcheck = test.app }))
			b.must(err)
			made, err := b.api.ContainerInspect(t.Context(), id)
			b.must(err)
			if got := *made.Config.Healthcheck; fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("health check %+v, want %+v", got, test.want)
			}
			b.must(b.Remove(t.Context(), id))
		})
	}
	id := b.run(b.spec(nil))
	b.health("healthy")
	b.must(b.Remove(t.Context(), id))
	b.run(b.spec(func(s *worker.Spec) { s.Healthcheck = &topics.Healthcheck{Test: []string{"NONE"}} }))
	b.health("")
}

func TestRestartPolicies(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	for _, test := range []struct {
		policy, code string
		again        bool
	}{
		{"", "0", true},
		{topics.RestartUnlessStopped, "0", true},
		{topics.RestartAlways, "0", true},
		{topics.RestartOnFailure, "3", true},
		{topics.RestartOnFailure, "0", false},
		{topics.RestartNo, "3", false},
	} {
		t.Run(test.policy+" after code "+test.code, func(t *testing.T) {
			_, id := b.with(func(s *worker.Spec) { s.RestartPolicy, s.Command = test.policy, []string{"-exit", test.code} })
			b.eventually("end", func() error {
				d, err := b.Inspect(t.Context(), id)
				switch state := b.state(); {
				case err != nil:
					return err
				case test.again && d.Restarts == 0, !test.again && state != "exited":
					return fmt.Errorf("it is %s after %d restarts", state, d.Restarts)
				case !test.again && d.Restarts > 0:
					t.Errorf("it was restarted %d times", d.Restarts)
				}
				return nil
			})
			b.must(b.Remove(t.Context(), id))
		})
	}
}
