package topics

import "time"

// Phases of a [Report] and of an [AppState].
const (
	// PhaseWaiting is a device that has no config yet.
	PhaseWaiting = "waiting"
	// PhaseUpdating is one that does, or is about to do, what the config asks for.
	PhaseUpdating = "updating"
	// PhaseSettled is one that has nothing left to do, but for what is failing.
	PhaseSettled = "settled"
)

// A Report says what a device runs, and why not what it should: the payload of a [DeviceReport] topic, and
// of the file that "muster-worker status" reads.
type Report struct {
	Device      string `json:"device"`
	DeviceGroup string `json:"device_group"`
	// Version is the config that the device has applied; zero while it has none.
	Version
	// Wanted is the config that it is to apply; zero while it has none.
	Wanted Version `json:"wanted"`
	Phase  string  `json:"phase"`
	// Failing lists what does not run as wanted, each with the reason.
	Failing  []Failure      `json:"failing"`
	Apps     []AppState     `json:"apps"`
	CronJobs []CronJobState `json:"cron_jobs"`
	Agent    string         `json:"agent,omitempty"`
	// At is the device's clock, in UTC.
	At time.Time `json:"at"`
}

// An AppState is what a device runs of one app.
type AppState struct {
	App string `json:"app"`
	// AppID is the version that is wanted, and RunningID the one that runs: 0 when none does.
	AppID     int64  `json:"app_id"`
	RunningID int64  `json:"running_id"`
	Phase     string `json:"phase"`
	// Code and Reason say why it does not run as wanted; empty when it does.
	Code   Reason `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Next is when the worker tries again by itself; nil when it waits for nothing.
	Next       *time.Time       `json:"next,omitempty"`
	Containers []ContainerState `json:"containers"`
}

// A ContainerState is one container of an app.
type ContainerState struct {
	Name  string `json:"name"`
	ID    string `json:"id"`
	Image string `json:"image"`
	// State is the engine's word, and Health too: empty without a health check.
	State  string `json:"state"`
	Health string `json:"health,omitempty"`
	// EngineRestarts counts how often the engine started it again since it was made, and HealthRestarts how
	// often the worker did because it was unhealthy.
	EngineRestarts int `json:"engine_restarts"`
	HealthRestarts int `json:"health_restarts"`
}

// A CronJobState is what a device knows of one cron_job.
type CronJobState struct {
	CronJob   string `json:"cron_job"`
	CronJobID int64  `json:"cron_job_id"`
	// Next is when it is due; nil when it is not to run.
	Next *time.Time `json:"next,omitempty"`
	// Started is when the run that is going on began; nil when none is.
	Started *time.Time `json:"started,omitempty"`
	// Last is the last run that is over; nil when there was none.
	Last *CronRun `json:"last,omitempty"`
	// Code and Reason say why it does not run as wanted; empty when it does.
	Code   Reason `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// A CronRun is a run of a cron_job that is over.
type CronRun struct {
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	ExitCode int       `json:"exit_code"`
	// Output is the end of what it wrote to its standard output and error, at most [MaxOutput] bytes.
	Output string `json:"output,omitempty"`
}

// MaxOutput is the most bytes of a cron_job's output in a [Report].
const MaxOutput = 2048
