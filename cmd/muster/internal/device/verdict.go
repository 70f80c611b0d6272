package device

import (
	"fmt"
	"strings"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// State is a device in one word, the most telling one.
func State(d fleet.Device) string {
	switch {
	case !d.Online:
		return "offline"
	case len(d.Failing) > 0:
		return "failing"
	case d.Behind && d.Phase == topics.PhaseSettled:
		return fleet.PhaseBehind
	case d.Phase == "":
		return "unknown"
	}
	return d.Phase
}

// Verdict is the answer to "why does it not run what I asked for?" in one line.
func Verdict(d fleet.Detail) string {
	var said []string
	add := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	switch i := d.Identity; {
	case i != nil && i.State == store.IdentityPending:
		return "no: it waits to be let in: muster devices approve"
	case i != nil && i.State == store.IdentityRevoked:
		return "no: it was shut out" + before(" by ", i.By)
	case d.Online:
	case d.LastSeen == nil && d.Phase == "":
		return "no: nothing was heard of it yet"
	case !d.Behind && !d.Wanted.IsZero() && len(d.Failing) == 0:
		return "it was when it was last heard of; it is offline"
	default:
		add("it is offline, and what it is to run now reaches it when it is back")
	}
	switch {
	case d.Wanted.IsZero():
		add("device_group %s has no config", quoted(d.DeviceGroup))
	case d.Applied.Newer(d.Wanted):
		add("it has a newer config than the managers: their store was restored from an old backup")
	case d.Online && d.Phase == fleet.PhaseBehind:
		add("it has not taken up config %s yet", Config(d.Wanted, d.Applied))
	case d.Online && d.Behind && len(d.Failing) == 0:
		add("it is about to apply config %s", Config(d.Wanted, d.Applied))
	}
	if len(d.Failing) > 0 {
		add("%s", failing(d.Failing))
	}
	if len(said) > 0 {
		return "no: " + strings.Join(said, "; ")
	}
	if d.Phase == topics.PhaseUpdating {
		return "not yet: it is being brought about"
	}
	return "yes"
}

func failing(list []topics.Failure) string {
	var names []string
	for _, f := range list {
		names = append(names, Subject(f))
	}
	const most = 3
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	if len(list) > 1 {
		return strings.Join(names, ", ") + " fail"
	}
	// The tables have the rest.
	if code := string(list[0].Code); code != "" {
		return names[0] + " fails: " + code
	}
	return names[0] + " fails"
}

// Subject is what a failure is of: an app or cron_job by its name.
func Subject(f topics.Failure) string {
	if f.CronJob != "" {
		return "cron_job " + f.CronJob
	}
	return "app " + f.App
}

// Why is a code and the words that go with it, in one line.
func Why(code topics.Reason, reason string) string {
	reason = strings.Join(strings.Fields(reason), " ")
	switch {
	case code == "":
		return reason
	case reason == "":
		return string(code)
	}
	return string(code) + ": " + reason
}

// Config is the number of a config; with the epoch in front where beside's is another one. "-" is none.
func Config(v, beside topics.Version) string {
	switch {
	case v.IsZero():
		return "-"
	case beside.IsZero(), v.Epoch == beside.Epoch:
		return fmt.Sprint(v.ConfigID)
	}
	return v.String()
}

func quoted(name string) string {
	if name == "" {
		return "of no name"
	}
	return name
}
