package devices

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"muster/manager/fleet"
	"muster/topics"
)

// An explanation says of each app of a device why it does not run as wanted.
type explanation struct {
	device fleet.Device
	// since is when it was connected or was lost; nil when that is not known.
	since    *time.Time
	report   topics.Report
	reported bool
	received time.Time
}

// apps are those of the config, in its order, and after them those that the device has besides.
func (e explanation) apps(wanted topics.Config) (list []fleet.App) {
	states := make(map[string]topics.AppState, len(e.report.Apps))
	for _, s := range e.report.Apps {
		states[s.App] = s
	}
	for _, a := range wanted.Apps {
		state, said := states[a.AppName]
		delete(states, a.AppName)
		list = append(list, e.wanted(a, state, said))
	}
	for _, s := range e.report.Apps {
		if _, left := states[s.App]; left && s.App != "" {
			list = append(list, e.unwanted(s))
		}
	}
	return list
}

// wanted is an app of the config, with what the device's last report said of it, if it said anything.
func (e explanation) wanted(a topics.App, said topics.AppState, reported bool) fleet.App {
	// What the device says over its connection is there before its report, and also when that has no room for the app.
	failure := e.failure(a.AppName)
	if failure.Code != "" || failure.Reason != "" {
		said.Code, said.Reason = failure.Code, cmp.Or(failure.Reason, said.Reason)
	}
	app := fleet.App{
		App: a.AppName, WantedID: a.AppID, RunningID: said.RunningID, Phase: said.Phase,
		Code: said.Code, Reason: said.Reason, Next: said.Next, Containers: append([]topics.ContainerState{}, said.Containers...),
	}
	switch current := reported && said.AppID == a.AppID; {
	case !current:
		app.Code, app.Next = "", nil
		app.Phase, app.Reason = e.unheard(a.AppName)
		if d := e.device; d.Online && failure.Reason != "" && (!d.Behind || d.Phase == topics.PhaseUpdating) {
			app.Code, app.Reason = failure.Code, failure.Reason
		}
	case !e.device.Online && (said.Phase != topics.PhaseSettled || said.Code != ""):
		// One that ran as wanted goes on by itself.
		app.Next, app.Reason = nil, fmt.Sprintf("%s; it last said: %s", e.offline(), cmp.Or(said.Reason, said.Phase))
	}
	return app
}

// failure is what the device says of an app that fails; zero when it says nothing.
func (e explanation) failure(app string) topics.Failure {
	for _, f := range e.device.Failing {
		if f.App == app {
			return f
		}
	}
	return topics.Failure{}
}

// unheard says why the device has said nothing yet of what is wanted now of an app.
func (e explanation) unheard(app string) (phase, reason string) {
	d := e.device
	switch {
	case !d.Online && d.Behind:
		return fleet.PhaseBehind, fmt.Sprintf("%s and hears of config %d when it is back; it has applied %s", e.offline(), d.Wanted.ConfigID, applied(d.Applied))
	case !d.Online:
		return d.Phase, fmt.Sprintf("%s, and has not reported what it runs since it applied %s", e.offline(), applied(d.Applied))
	case d.Applied.Newer(d.Wanted):
		return d.Phase, fmt.Sprintf("the device has applied %s, which is newer than the managers' config %d: the store is from an old backup", applied(d.Applied), d.Wanted.ConfigID)
	case d.Behind && d.Phase == topics.PhaseUpdating:
		return d.Phase, e.pulling(app)
	case d.Behind:
		return fleet.PhaseBehind, fmt.Sprintf("the device is connected and has applied %s; it has not taken config %d yet", applied(d.Applied), d.Wanted.ConfigID)
	case !e.reported:
		return d.Phase, "the device has not reported yet what it runs"
	case len(e.report.LeftOut) > 0:
		return d.Phase, "the device's report has no room for this app; left out: " + strings.Join(e.report.LeftOut, ", ")
	}
	return d.Phase, fmt.Sprintf("the device has applied %s; its report of that has not come yet", applied(d.Applied))
}

// unwanted is an app that the device has and the config has not.
func (e explanation) unwanted(said topics.AppState) fleet.App {
	app := fleet.App{
		App: said.App, RunningID: said.RunningID, Phase: said.Phase, Code: said.Code, Reason: said.Reason, Next: said.Next,
		Containers: append([]topics.ContainerState{}, said.Containers...),
	}
	switch {
	case !e.device.Online:
		app.Next, app.Reason = nil, e.offline()+"; the app is not in the config, and is removed when it is back"
	case app.Reason == "":
		app.Reason = "the app is not in the config; the device is to remove it"
	}
	return app
}

// offline says that the device is not connected, since when, and when it was last heard of.
func (e explanation) offline() string {
	switch {
	case e.since != nil:
		return "the device is not connected since " + words(*e.since)
	case e.device.LastSeen != nil:
		return "the device is not connected, and was last heard of at " + words(*e.device.LastSeen)
	}
	return "the device is not connected"
}

// pulling says how far the device is with the app's image.
func (e explanation) pulling(app string) string {
	for _, p := range e.device.Pulls {
		if p.App == app && p.Total > 0 {
			return fmt.Sprintf("the device is fetching the image: %d of %d MB", p.Done/1e6, p.Total/1e6)
		}
	}
	return fmt.Sprintf("the device is updating from %s to config %d, and has not said how far this app is", applied(e.device.Applied), e.device.Wanted.ConfigID)
}

func applied(v topics.Version) string {
	if v.IsZero() {
		return "no config"
	}
	return fmt.Sprintf("config %d", v.ConfigID)
}

func words(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
