package apply_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"muster/manager/apply"
)

// Whatever a fleet is made of, and whatever was there before: after it has been applied there is nothing left to do,
// and what is exported says the same.
func TestAppliedOnceIsEnough(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	r := setUp(t)
	for range 6 {
		files := encode(t, randomFleet(random))
		if err := r.plan(files, true).Run(t.Context(), func(s apply.Step, err error) {
			if err != nil {
				t.Errorf("seed %d: %v: %v", seed, s, err)
			}
		}); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, files)
		}
		if p := r.plan(files, true); len(p.Steps) != 0 {
			t.Fatalf("seed %d: left to do: %s\n%s", seed, encode(t, p.Steps), files)
		}
		all, err := apply.Export(t.Context(), r.client)
		if err != nil {
			t.Fatal(err)
		}
		if p := r.plan(encode(t, all), true); len(p.Steps) != 0 {
			t.Fatalf("seed %d: the export differs: %s\n%s", seed, encode(t, p.Steps), files)
		}
	}
}

// randomFleet has every form that fields may have in Nebula's documents. Ports of different apps never clash.
func randomFleet(r *rand.Rand) map[string]any {
	apps, jobs, groups, userGroups := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	pick := func(of ...any) any { return of[r.IntN(len(of))] }
	some := func(fields map[string]any, name string, of ...any) {
		if r.IntN(2) == 0 {
			fields[name] = pick(of...)
		}
	}
	common := func() map[string]any {
		f := map[string]any{"docker_image": pick("i", "i:2", "r.example:5000/a/b:c", "1234")}
		some(f, "env_vars", []any{}, map[string]any{}, map[string]any{"A": "1", "B": "ü <&> \u2028"}, map[string]any{"A": 1.5, "B": true, "C": ""})
		some(f, "running", true, false)
		some(f, "networks", []any{}, []any{"host"}, []any{"none"}, []any{"bridge", "nebula"}, []any{"x"})
		some(f, "volumes", []any{}, []any{"/a:/b", "v:/c:ro"})
		some(f, "devices", []any{}, []any{"/dev/a:/dev/b:rwm"})
		some(f, "privileged", true, false)
		someOptions(some, f)
		return f
	}
	var appNames, jobNames []any
	for i := range 6 {
		name := fmt.Sprint("a.", i)
		if r.IntN(3) == 0 {
			continue
		}
		f := common()
		port := 8000 + 10*i
		some(f, "starting_ports", []any{}, []any{port}, []any{map[string]any{fmt.Sprint(port): "80"}}, []any{port, map[string]any{fmt.Sprint(port + 5): 81}}, []any{map[string]any{fmt.Sprint(port): port}})
		some(f, "containers_per", map[string]any{"server": 2}, map[string]any{"instance": 1}, map[string]any{"cpu": 0.5}, map[string]any{"mem": 512}, map[string]any{"memory": 1024})
		some(f, "rolling_restart", true, false)
		some(f, "restart_policy", "", "no", "unless-stopped", "on-failure", "always")
		some(f, "healthcheck", map[string]any{}, map[string]any{"test": []any{}}, map[string]any{"test": []any{"NONE"}}, map[string]any{"retries": 3})
		if len(appNames) > 0 {
			some(f, "depends_on", []any{}, []any{pick(appNames...)})
		}
		apps[name], appNames = f, append(appNames, name)
	}
	for i := range 3 {
		if r.IntN(3) == 0 {
			continue
		}
		f := common()
		f["schedule"] = pick("* * * * *", "0 4 * * 1-5", "*/5 0 1 1 *")
		name := fmt.Sprint("job", i)
		jobs[name], jobNames = f, append(jobNames, name)
	}
	// withDependencies adds what the named apps depend on, which comes before them.
	withDependencies := func(names []any) []any {
		for i := 0; i < len(names); i++ {
			more, _ := apps[names[i].(string)].(map[string]any)["depends_on"].([]any)
			for _, name := range more {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		return names
	}
	part := func(names []any) []any {
		of := []any{}
		for _, i := range r.Perm(len(names)) {
			if r.IntN(2) == 0 {
				of = append(of, names[i])
			}
		}
		return of
	}
	rights := func(names []any) map[string]any {
		of := map[string]any{}
		for _, name := range part(names) {
			of[name.(string)] = pick("ro", "rw")
		}
		return of
	}
	for i := range 3 {
		f := map[string]any{}
		some(f, "apps", withDependencies(part(appNames)))
		some(f, "cron_jobs", part(jobNames))
		groups[fmt.Sprint("g", i)] = f
		u := map[string]any{}
		some(u, "group_members", []any{}, []any{"ann", "bob@x"})
		some(u, "pruning_allowed", true, false)
		some(u, "admin", true, false)
		some(u, "apps", rights(appNames))
		some(u, "cron_jobs", rights(jobNames))
		some(u, "device_groups", rights([]any{"g0", "other"}))
		if r.IntN(2) == 0 {
			userGroups[fmt.Sprint("u", i)] = u
		}
	}
	return map[string]any{"apps": apps, "cron_jobs": jobs, "device_groups": groups, "user_groups": userGroups}
}

// someOptions sets some of the optional fields, also to what is as good as leaving them out.
func someOptions(some func(map[string]any, string, ...any), f map[string]any) {
	some(f, "command", []any{}, []any{"a", ""})
	some(f, "entrypoint", []any{}, []any{"/a"})
	some(f, "user", "", "1000:1000")
	some(f, "memory_limit_mb", 0, 6)
	some(f, "cpus", 0, 0.125, 2)
	some(f, "labels", map[string]any{}, map[string]any{"a.b": "ü", "$c": ""})
	some(f, "log_max_mb", 0, 3)
	some(f, "stop_grace_seconds", 0, 10, 60)
	some(f, "read_only", true, false)
	some(f, "cap_add", []any{}, []any{"NET_ADMIN"})
	some(f, "cap_drop", []any{}, []any{"ALL"})
	some(f, "tmpfs", []any{}, []any{"/run", "/tmp:size=1m"})
	some(f, "extra_hosts", []any{}, []any{"a:::1"})
}
