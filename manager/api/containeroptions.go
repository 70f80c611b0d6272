package api

import (
	"maps"
	"slices"

	"muster/topics"
)

// optionFields are the optional settings of a container. An empty value takes one away, and so does its default.
func optionFields(o *topics.ContainerOptions) []field {
	return []field{
		{"command", func(v value) error { return v.strings(&o.Command) }},
		{"entrypoint", func(v value) error { return v.strings(&o.Entrypoint) }},
		{"user", func(v value) error { return v.string(&o.User) }},
		{"memory_limit_mb", func(v value) error { return v.whole(&o.MemoryLimitMB) }},
		{"cpus", func(v value) error { return v.number(&o.CPUs) }},
		{"labels", func(v value) error { return v.texts(&o.Labels) }},
		{"log_max_mb", func(v value) error { return v.whole(&o.LogMaxMB) }},
		{"stop_grace_seconds", func(v value) error {
			o.StopGraceSeconds = new(int)
			err := v.int(o.StopGraceSeconds)
			*o = o.Canonical()
			return err
		}},
		{"read_only", func(v value) error { return v.bool(&o.ReadOnly) }},
		{"cap_add", func(v value) error { return v.strings(&o.CapAdd) }},
		{"cap_drop", func(v value) error { return v.strings(&o.CapDrop) }},
		{"tmpfs", func(v value) error { return v.strings(&o.Tmpfs) }},
		{"extra_hosts", func(v value) error { return v.strings(&o.ExtraHosts) }},
	}
}

// appOptionFields are the optional settings of an app alone.
func appOptionFields(o *topics.AppOptions) []field {
	return []field{
		{"restart_policy", func(v value) error {
			err := v.string(&o.RestartPolicy)
			*o = o.Canonical()
			return err
		}},
		{"healthcheck", func(v value) error { return setHealthcheck(o, v) }},
		{"depends_on", func(v value) error { return v.strings(&o.DependsOn) }},
	}
}

// setHealthcheck takes all that there is to a health check: what the dict leaves out is as the image says.
func setHealthcheck(o *topics.AppOptions, v value) error {
	given := object{}
	if err := v.decode(&given, "a dict"); err != nil {
		return err
	}
	h := new(topics.Healthcheck)
	fields := map[string]func(value) error{
		"test":                 func(v value) error { return v.strings(&h.Test) },
		"interval_seconds":     func(v value) error { return v.int(&h.IntervalSeconds) },
		"timeout_seconds":      func(v value) error { return v.int(&h.TimeoutSeconds) },
		"start_period_seconds": func(v value) error { return v.int(&h.StartPeriodSeconds) },
		"retries":              func(v value) error { return v.int(&h.Retries) },
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		path := v.field + "." + name
		set, known := fields[name]
		if !known {
			return fieldErrorf(path, "unknown field")
		}
		if err := set(value{path, given[name]}); err != nil {
			return err
		}
	}
	o.Healthcheck = h
	*o = o.Canonical()
	return nil
}
