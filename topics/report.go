package topics

import (
	"encoding/json"
	"fmt"
	"time"
)

// Phases of a [Report] and of an [AppState].
const (
	// PhaseWaiting is a device that has no config yet.
	PhaseWaiting = "waiting"
	// PhaseUpdating is one that does, or is about to do, what the config asks for.
	PhaseUpdating = "updating"
	// PhaseSettled is one that has nothing left to do, but for what is failing.
	PhaseSettled = "settled"
)

// A Report says what a device runs, and why not what it should: the payload of a [DeviceReport] topic, and, but for what
// only the connection knows, of the file that "muster-worker status" reads. It holds nothing of a config that may be
// secret, such as env_vars.
type Report struct {
	Device      string `json:"device"`
	DeviceGroup string `json:"device_group"`
	// ReportID is boot and seq in one word. A report that is sent again because nobody acknowledged it has the same.
	ReportID string `json:"report_id,omitempty"`
	// Boot names this start of the worker, and Seq counts its reports from 1: a gap shows a report that was lost.
	Boot string `json:"boot,omitempty"`
	Seq  int64  `json:"seq,omitempty"`
	// Version is the config that the device has applied; zero while it has none.
	Version
	// Wanted is the config that it is to apply; zero while it has none.
	Wanted Version `json:"wanted"`
	Phase  string  `json:"phase"`
	// Failing lists what does not run as wanted, each with the reason.
	Failing  []Failure      `json:"failing"`
	Apps     []AppState     `json:"apps"`
	CronJobs []CronJobState `json:"cron_jobs"`
	// Pruned is the last removal of unneeded images; nil when there was none.
	Pruned *Pruned `json:"pruned,omitempty"`
	// Dropped counts the reports that were lost, since the device's state directory was made and as far as it knows, because there
	// was no room for them until they were acknowledged, or because they could not be read any more.
	Dropped int64 `json:"dropped,omitempty"`
	// AppsContainers and CronJobsContainers are the engine's stats document of each container, as in Nebula's reports;
	// nil unless the worker is told to send them.
	AppsContainers     []json.RawMessage `json:"apps_containers,omitempty"`
	CronJobsContainers []json.RawMessage `json:"cron_jobs_containers,omitempty"`
	// LeftOut names what was left out or shortened to keep the report within [MaxPayload]; see [Report.Encode].
	LeftOut []string `json:"left_out,omitempty"`
	Machine
	// Updated says that the device has changed something since the report before, and ReportCreationTime is At in
	// seconds since 1970: both as in Nebula's reports.
	Updated            bool   `json:"updated"`
	ReportCreationTime int64  `json:"report_creation_time"`
	Agent              string `json:"agent,omitempty"`
	// At is the device's clock, in UTC.
	At time.Time `json:"at"`
}

// An AppState is what a device runs of one app.
type AppState struct {
	App string `json:"app"`
	// AppID is the version that is wanted, and RunningID the one that runs: 0 when none does, or an unknown one.
	AppID     int64  `json:"app_id"`
	RunningID int64  `json:"running_id"`
	Phase     string `json:"phase"`
	// Code and Reason say why it does not run as wanted; empty when it does. Without a code it does not fail, and the
	// reason is what it waits for.
	Code   Reason `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Next is when the worker goes on by itself; nil when it waits for no moment.
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
	// EngineRestarts counts how often the engine started it again since the worker first saw it, and HealthRestarts how
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

// Encode validates and marshals r, in at most [MaxPayload] bytes: reasons are one line of at most [MaxReason] bytes
// each, and what does not fit is left out in an order that keeps longest what says why something does not run.
func (r Report) Encode() ([]byte, error) {
	r.At = r.At.UTC().Truncate(time.Millisecond)
	r.ReportCreationTime = r.At.Unix()
	r = r.tidy(MaxReason)
	if err := r.check(); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(r)
	for i := 0; err == nil && len(payload) > MaxPayload; i++ {
		if i == len(shortenings) {
			return nil, fieldErrorf("payload", "is %d bytes, at most %d are allowed", len(payload), MaxPayload)
		}
		before := len(payload)
		what := shortenings[i](&r)
		payload, err = json.Marshal(r)
		if err == nil && len(payload) < before {
			r.LeftOut = append(r.LeftOut, what)
			payload, err = json.Marshal(r)
		}
	}
	return payload, err
}

// ParseReport reads and checks a report. Errors are [FieldError]s.
func ParseReport(payload []byte) (Report, error) {
	var r Report
	if err := unmarshal(payload, &r); err != nil {
		return Report{}, err
	}
	if err := r.check(); err != nil {
		return Report{}, err
	}
	return r, nil
}

func (r Report) check() error {
	if err := CheckName(r.Device); err != nil {
		return fieldError("device", err)
	}
	if err := checkGroupField(r.DeviceGroup); err != nil {
		return err
	}
	if len(r.Boot) > MaxName || len(r.ReportID) > MaxRequestID {
		return fieldErrorf("boot", "and report_id may have at most %d and %d characters", MaxName, MaxRequestID)
	}
	if r.Seq < 0 || r.Dropped < 0 {
		return fieldErrorf("seq", "and dropped must not be negative, are %d and %d", r.Seq, r.Dropped)
	}
	if !r.Version.IsZero() {
		if err := r.Version.Check(); err != nil {
			return err
		}
	}
	if !r.Wanted.IsZero() {
		if err := r.Wanted.Check(); err != nil {
			return within("wanted", err)
		}
	}
	if r.Phase == "" || len(r.Phase) > MaxName {
		return fieldErrorf("phase", `must be a word such as "settled", is %.40q`, r.Phase)
	}
	for i, f := range r.Failing {
		if name := f.App + f.CronJob; name == "" || len(name) > MaxAppName {
			return fieldErrorf(fmt.Sprintf("failing[%d]", i), "must name an app or a cron_job in at most %d bytes", MaxAppName)
		}
	}
	for i, a := range r.Apps {
		if err := CheckAppName(a.App); err != nil {
			return fieldError(fmt.Sprintf("apps[%d].app", i), err)
		}
		if a.AppID < 0 || a.RunningID < 0 {
			return fieldErrorf(fmt.Sprintf("apps[%d].app_id", i), "and running_id must not be negative")
		}
	}
	for i, c := range r.CronJobs {
		if err := CheckAppName(c.CronJob); err != nil {
			return fieldError(fmt.Sprintf("cron_jobs[%d].cron_job", i), err)
		}
	}
	return r.Machine.check()
}
