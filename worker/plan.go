package worker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/topics"
)

// maxContainers is how many containers of one app a device runs. More is taken for a mistake.
const maxContainers = 1000

// settled is how long a container must have been running before it counts as one that does not keep
// restarting.
const settled = time.Minute

// A memory is what the worker remembers of its earlier attempts, for plan to read.
type memory struct {
	images images
	// apps holds those whose last attempt failed, by name.
	apps map[string]*trouble
	// starts holds when an ended container may be started again, by container id.
	starts map[string]*retry
	// restarts holds the containers that the engine was lately seen restarting, by container id.
	restarts map[string]restart
	// spread says when what a config changed of an app may begin, by app; none is at once.
	spread map[string]time.Time
	// lives holds what was seen of the containers that there are, by container id.
	lives map[string]*life
	// versions holds which versions of the apps work and which do not, by app name.
	versions versions
	// busy holds the apps that something is being done about, by name.
	busy map[string]bool
}

// A restart is the engine's attempt to bring back a container that has ended.
type restart struct {
	seen time.Time
	// code is the exit code in words; see exitCode.
	code string
}

// A planner decides for one config at one time.
type planner struct {
	facts Facts
	mem   memory
	now   time.Time
	ports ports
}

// plan decides about every container that is seen and every one that is wanted. The steps of an app are
// to be taken in their order; those of different apps do not depend on each other. It depends on
// its arguments only and changes none of them.
func plan(config topics.Config, seen []Container, facts Facts, mem memory, now time.Time) []Step {
	p := planner{facts: facts, mem: mem, now: now, ports: ports{}}
	byApp := appsOf(seen)
	wants := make([]want, len(config.Apps))
	for i, app := range config.Apps {
		run, from, bad := p.effective(app)
		wants[i] = newWant(run, byApp[app.AppName], facts)
		wants[i].goBack(from, bad)
		delete(byApp, app.AppName)
		// What runs as wanted has its ports; the others see what is left, in the order of the config.
		wants[i].claimHeld(p.ports)
	}
	var steps []Step
	all := map[string][]Step{}
	for _, w := range wants {
		all[w.app.AppName] = p.gate(w.app.AppName, p.app(w))
	}
	p.depend(wants, all)
	for _, w := range wants {
		steps = append(steps, tell(w, all[w.app.AppName])...)
	}
	var strays []string
	for name := range byApp {
		strays = append(strays, name)
	}
	slices.Sort(strays)
	for _, name := range strays {
		steps = append(steps, p.gate(name, removeAll(byApp[name], "the app is not in the config"))...)
	}
	return steps
}

// appsOf are the containers of apps, by app name.
func appsOf(seen []Container) map[string][]Container {
	byApp := map[string][]Container{}
	for _, c := range seen {
		if c.CronJob == "" { // planCron decides about the others
			byApp[c.App] = append(byApp[c.App], c)
		}
	}
	return byApp
}

// app decides about one app of the config.
func (p *planner) app(w want) []Step {
	if !w.app.Running {
		return removeAll(w.seen, "the app is not to run")
	}
	if w.count > maxContainers {
		steps := []Step{{Verb: Wait, App: w.app.AppName, Reason: "more containers than a device runs", Code: topics.ReasonTooMany,
			Trouble: fmt.Sprintf("containers_per asks for %d containers on this device, at most %d are allowed", w.count, maxContainers)}}
		for _, c := range w.seen {
			steps = append(steps, on(c, Keep, "left alone until the app's containers_per is right"))
		}
		return steps
	}
	surplus := removeAll(w.surplus, fmt.Sprintf("the app has %d containers on this device", w.count))
	slots := make([][]Step, len(w.slots))
	for i, s := range w.slots {
		slots[i] = p.slot(w, s)
	}
	making := slices.ContainsFunc(slots, func(steps []Step) bool { return has(steps, Create, Stage) })
	staging := slices.ContainsFunc(slots, func(steps []Step) bool { return has(steps, Stage) })
	var pull []Step
	due := p.mem.spread[w.app.AppName]
	switch {
	case making && w.bad == nil && p.now.Before(due):
		why := fmt.Sprintf("waits until %s UTC, so that not all devices change at once", due.UTC().Format(time.TimeOnly))
		pull = append(pull, Step{Verb: Wait, App: w.app.AppName, Reason: why, Again: due})
		putOff(surplus, slots, why)
	case making && w.bad == nil && p.mem.images.needPull(w.app, w.matches()):
		pull = append(pull, Step{Verb: Pull, App: w.app.AppName, Image: w.app.DockerImage,
			Reason: fmt.Sprintf("not yet pulled for app_id %d", w.app.AppID)})
		putOff(surplus, slots, "waits until the new image is here")
	case staging:
		hold(surplus, "kept until all that is to come is made", Remove)
		for _, steps := range slots {
			holdReplacement(steps, "waits until all that is to come is made")
		}
	case w.app.RollingRestart:
		p.roll(w, slots)
	}
	all := slices.Concat(append(append([][]Step{surplus}, slots...), pull)...)
	// A new container may need a port that an old one of its app has.
	slices.SortStableFunc(all, func(a, b Step) int { return cmp.Compare(order(a), order(b)) })
	return all
}

// order puts removals first.
func order(s Step) int {
	if s.Verb == Remove {
		return 0
	}
	return 1
}

func has(steps []Step, verbs ...Verb) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return slices.Contains(verbs, s.Verb) })
}

// on is a step about a container that there is.
func on(c Container, verb Verb, reason string) Step {
	return Step{Verb: verb, App: c.App, CronJob: c.CronJob, Container: c.Name, ID: c.ID, StopGrace: c.StopGrace, Reason: reason}
}

func removeAll(containers []Container, reason string) []Step {
	var steps []Step
	for _, c := range containers {
		steps = append(steps, removal(c, reason))
	}
	return steps
}

// removal removes the container, unless the engine is at it.
func removal(c Container, reason string) Step {
	if c.State == "removing" {
		return on(c, Wait, "the engine is removing it")
	}
	step := on(c, Remove, reason)
	step.idle = idle(c)
	return step
}

// idle reports whether nobody misses the container when it goes.
func idle(c Container) bool { return c.State == "created" || c.State == "dead" }

// live reports whether the container runs, or is about to by itself.
func live(c Container) bool {
	return c.State == "running" || c.State == "restarting" || c.State == "paused"
}

// exitCode is the exit code in an engine's description of a state, such as " with exit code 1"; empty
// when there is none. The description itself changes as time passes.
func exitCode(detail string) string {
	_, rest, _ := strings.Cut(detail, "(")
	code, _, found := strings.Cut(rest, ")")
	if !found || code == "" || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return " with exit code " + code
}
