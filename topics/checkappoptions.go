package topics

import (
	"fmt"
	"slices"
	"strings"
)

// check reports the first option that is wrong for the app of that name.
func (o AppOptions) check(app string) error {
	policies := []string{RestartAlways, RestartUnlessStopped, RestartOnFailure, RestartNo}
	if o.RestartPolicy != "" && !slices.Contains(policies, o.RestartPolicy) {
		return fieldErrorf("restart_policy", "must be one of %s, is %.80q", strings.Join(policies, ", "), o.RestartPolicy)
	}
	if o.Healthcheck != nil {
		if err := o.Healthcheck.check(); err != nil {
			return within("healthcheck", err)
		}
	}
	seen := map[string]bool{}
	for _, name := range o.DependsOn {
		switch err := CheckAppName(name); {
		case err != nil:
			return fieldError("depends_on", fmt.Errorf("%.200q: %w", name, err))
		case name == app:
			return fieldErrorf("depends_on", "an app cannot depend on itself")
		case seen[name]:
			return fieldErrorf("depends_on", "%q is listed twice", name)
		}
		seen[name] = true
	}
	return nil
}

// Limits of a [Healthcheck].
const (
	maxHealthSeconds = 86400
	maxHealthRetries = 1000
)

func (h Healthcheck) check() error {
	if !isHealthTest(h.Test) {
		return fieldErrorf("test", `must be ["NONE"], ["CMD", "program", …], ["CMD-SHELL", "command"], or empty for the image's`)
	}
	for _, limited := range []struct {
		field string
		n     int
		most  int
	}{
		{"interval_seconds", h.IntervalSeconds, maxHealthSeconds},
		{"timeout_seconds", h.TimeoutSeconds, maxHealthSeconds},
		{"start_period_seconds", h.StartPeriodSeconds, maxHealthSeconds},
		{"retries", h.Retries, maxHealthRetries},
	} {
		if limited.n < 0 || limited.n > limited.most {
			return fieldErrorf(limited.field, "must be 0 to %d, is %d", limited.most, limited.n)
		}
	}
	return nil
}

func isHealthTest(test []string) bool {
	if len(test) == 0 {
		return true
	}
	if hasNUL(test) {
		return false
	}
	switch test[0] {
	case "NONE":
		return len(test) == 1
	case "CMD":
		return len(test) >= 2 && test[1] != ""
	case "CMD-SHELL":
		return len(test) == 2 && test[1] != ""
	}
	return false
}
