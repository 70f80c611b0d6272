package apply_test

import (
	"strings"
	"testing"
)

// What a group of the files lists is not deleted because no file describes it.
func TestPruneOfWhatIsListed(t *testing.T) {
	r := setUp(t)
	r.apply("apps: {a: {docker_image: i}}\ncron_jobs: {c: {docker_image: i, schedule: '* * * * *'}}", false, `create app "a"`, `create cron_job "c"`)
	for _, tc := range []struct{ files, want string }{
		{"apps: {}\ndevice_groups: {g: {apps: [a]}}", `stdin:2: device_group "g": apps: "a" is in no file, so that it would be deleted`},
		{"cron_jobs: {}\ndevice_groups: {g: {cron_jobs: [c]}}", `stdin:2: device_group "g": cron_jobs: "c" is in no file`},
	} {
		if p, err := r.tryPlan(tc.files, true); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, %v, want %q", tc.files, p.Steps, err, tc.want)
		}
		if p := r.plan(tc.files, false); len(p.Steps) != 1 {
			t.Errorf("%s, without prune: %v", tc.files, p.Steps)
		}
	}
	if p := r.plan("device_groups: {g: {apps: [a], cron_jobs: [c]}}", true); len(p.Steps) != 1 {
		t.Errorf("prune of kinds that the files do not speak of: %v", p.Steps)
	}
}

// A manager's groups keep the names of what was deleted. Saying so, as an export does, is no mistake.
func TestListedAndGone(t *testing.T) {
	r := setUp(t)
	r.apply("apps: {a: {docker_image: i}, b: {docker_image: i}}\ndevice_groups: {g: {apps: [a, b]}}", false, `create app "a"`, `create app "b"`, `create device_group "g"`)
	if err := r.client.Apps().Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if p := r.plan("apps: {b: {docker_image: i}}\ndevice_groups: {g: {apps: [a, b]}}", true); len(p.Steps) != 0 || p.Same != 2 {
		t.Errorf("as it is: %v", p.Steps)
	}
	if p, err := r.tryPlan("device_groups: {g: {apps: [b, a]}}", false); err == nil || !strings.Contains(err.Error(), `"a" does not exist`) {
		t.Errorf("a list that the manager will refuse: %v, %v", p.Steps, err)
	}
}
