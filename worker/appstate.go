package worker

import (
	"time"

	"muster/topics"
)

// shortID is how much of a container's id people are shown, as by Docker's own tools.
const shortID = 12

// appStates are the apps of the config, and after them those that are being removed.
func (l *loop) appStates(failing []topics.Failure) []topics.AppState {
	list := make([]topics.AppState, 0, len(l.held.config.Apps))
	at := map[string]int{}
	app := func(name string) *topics.AppState {
		i, listed := at[name]
		if !listed {
			i, at[name] = len(list), len(list)
			list = append(list, topics.AppState{App: name, Phase: l.appPhase(name), Containers: []topics.ContainerState{}})
		}
		return &list[i]
	}
	for _, a := range l.held.config.Apps {
		app(a.AppName).AppID = a.AppID
	}
	for _, c := range l.seen {
		if c.CronJob == "" && topics.CheckAppName(c.App) == nil {
			s := app(c.App)
			s.Containers = append(s.Containers, l.containerState(c))
			if (c.State == "running" || c.State == "restarting" || c.State == "paused") && c.AppID > s.RunningID {
				s.RunningID = c.AppID
			}
		}
	}
	for _, f := range failing {
		if _, listed := at[f.App]; listed && f.CronJob == "" {
			s := app(f.App)
			s.Code, s.Reason, s.Next = f.Code, f.Reason, l.nextTry(f.App)
		}
	}
	for i := range list {
		if s := &list[i]; s.Code == "" && s.Phase == topics.PhaseUpdating {
			s.Reason, s.Next = l.waitsFor(s.App), l.nextTry(s.App)
		}
	}
	return list
}

// waitsFor says what an app that does not fail waits for; empty when it waits for nothing.
func (l *loop) waitsFor(name string) string {
	for _, s := range l.steps {
		if s.App == name && s.Verb == Wait {
			return s.Reason
		}
	}
	return ""
}

// appPhase is whether something is being done about an app, or about to be.
func (l *loop) appPhase(name string) string {
	if l.jobs[name] != nil {
		return topics.PhaseUpdating
	}
	for _, s := range l.steps {
		if s.App == name && s.Trouble == "" && s.Verb != Keep {
			return topics.PhaseUpdating
		}
	}
	return topics.PhaseSettled
}

// nextTry is when the worker tries again what an app fails of; nil when it waits for something else, or is at it.
func (l *loop) nextTry(name string) *time.Time {
	var next time.Time
	if l.engineDown != nil {
		next = l.engineDown.next
	} else if l.jobs[name] == nil {
		for _, s := range l.steps {
			if s.App == name && s.Verb != Keep && !s.Again.IsZero() && (next.IsZero() || s.Again.Before(next)) {
				next = s.Again
			}
		}
	}
	if next.IsZero() {
		return nil
	}
	next = next.UTC().Truncate(time.Second)
	return &next
}

func (l *loop) containerState(c Container) topics.ContainerState {
	s := topics.ContainerState{Name: c.Name, ID: c.ID[:min(len(c.ID), shortID)], Image: c.Image, State: c.State, Health: c.Health}
	s.EngineRestarts, s.HealthRestarts = l.counts(c.ID)
	return s
}
