package worker

import (
	"log/slog"
	"time"

	"muster/topics"
)

// A Verb is what a [Step] does.
type Verb string

// The verbs.
const (
	// Keep leaves a container as it is.
	Keep Verb = "keep"
	// Wait leaves things as they are for now.
	Wait Verb = "wait"
	// Pull fetches an app's image.
	Pull Verb = "pull"
	// Remove stops and removes a container.
	Remove Verb = "remove"
	// Create makes a container and starts it.
	Create Verb = "create"
	// Stage makes a container that is to take the place of others, beside them.
	Stage Verb = "stage"
	// Start starts a container that there is.
	Start Verb = "start"
	// Restart stops a container that runs and starts it again.
	Restart Verb = "restart"
	// Run makes and starts the container of a cron_job's run.
	Run Verb = "run"
	// Record reads how a cron_job's run went that is over.
	Record Verb = "record"
)

// A Step is a decision about one container, or with [Pull] about one app, with its reason.
type Step struct {
	Verb Verb
	// App is the app that it is about, or CronJob the cron_job.
	App, CronJob string
	// Container is the name of the container; empty with Pull.
	Container string
	// ID is the engine's for a container that there is.
	ID string
	// Rename is the name that Start gives the container before; empty when it has it.
	Rename string
	// Spec is what Create and Stage make, and Image what Pull fetches.
	Spec  Spec
	Image string
	// StopGrace is the container's: see [Container.StopGrace].
	StopGrace time.Duration
	// Reason says why, in a few words for people.
	Reason string
	// Trouble says in one line why the app does not run as wanted, and Code in a word; empty when it does, or
	// soon will.
	Trouble string
	Code    topics.Reason
	// idle says that what Remove removes has never run: nobody misses it.
	idle bool
	// Again is when to decide anew, where only time has to pass.
	Again time.Time
}

// acts reports whether the step changes something.
func (s Step) acts() bool { return s.Verb != Keep && s.Verb != Wait }

// describe has the log say what the step is.
func (s Step) describe(log *slog.Logger) *slog.Logger {
	kind, name := subjectOf(s.App, s.CronJob)
	log = log.With("step", string(s.Verb), kind, name, "reason", s.Reason)
	if s.Verb == Pull {
		return log.With("image", s.Image)
	}
	return log.With("container", s.Container)
}

// failing lists the apps in trouble, each with its first one.
func failing(steps []Step) []topics.Failure {
	var list []topics.Failure
	seen := map[string]bool{}
	for _, s := range steps {
		if s.Trouble != "" && !seen[s.App] {
			seen[s.App] = true
			list = append(list, topics.Failure{App: s.App, Code: s.Code, Reason: s.Trouble})
		}
	}
	return list
}
