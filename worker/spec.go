package worker

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"muster/topics"
)

// A Spec is everything that one container is made from. Two containers with equal specs are
// interchangeable; one whose spec still is what is wanted is never touched.
type Spec struct {
	// App is the app's name; empty for a cron_job's container, which has CronJob instead.
	App   string
	Index int
	// AppID is part of the spec, so that a restart of the app, which raises only the app_id, makes new
	// containers. It is the cron_job_id of a cron_job's.
	AppID      int64
	Image      string
	Env        map[string]string
	Ports      []PortBinding
	Networks   []string
	Volumes    []string
	Devices    []string
	Privileged bool

	topics.ContainerOptions
	// RestartPolicy and Healthcheck are those of [topics.AppOptions].
	RestartPolicy string
	Healthcheck   *topics.Healthcheck

	// From is the id of the image to make the container from, where that is not what Image names any more. It is no part of
	// what the container is.
	From string

	// CronJob is the name of the cron_job that the container is a run of; empty for an app's.
	CronJob string
}

// A PortBinding publishes a container's TCP port on the device.
type PortBinding struct{ Host, Container int }

// NewSpec is the spec of an app's container with that index, from 0. It fails when a host port would be
// above 65535.
func NewSpec(app topics.App, index int) (Spec, error) {
	spec := Spec{
		App: app.AppName, Index: index, AppID: app.AppID, Image: app.DockerImage, Env: app.EnvVars,
		Networks: app.Networks, Volumes: app.Volumes, Devices: app.Devices, Privileged: app.Privileged,
		ContainerOptions: app.ContainerOptions, RestartPolicy: app.RestartPolicy, Healthcheck: app.Healthcheck,
	}
	for _, p := range app.StartingPorts {
		host := p.Host + index
		if host > 65535 {
			return Spec{}, &Fault{topics.ReasonPortRange, fmt.Errorf("starting_ports: container %d would need host port %d", index, host)}
		}
		spec.Ports = append(spec.Ports, PortBinding{Host: host, Container: p.Container})
	}
	return spec, nil
}

// NewCronSpec is the spec of a run of the cron_job. The engine does not start it again when it has ended.
func NewCronSpec(job topics.CronJob) Spec {
	return Spec{
		CronJob: job.CronJobName, AppID: job.CronJobID, Image: job.DockerImage, Env: job.EnvVars,
		Networks: job.Networks, Volumes: job.Volumes, Devices: job.Devices, Privileged: job.Privileged,
		ContainerOptions: job.ContainerOptions, RestartPolicy: topics.RestartNo,
	}
}

// Name is the container's name: the app's, a dash, and the index counted from 1 as Nebula does; or the
// cron_job's with .cron behind it, which no app's container ends with.
func (s Spec) Name() string {
	if s.CronJob != "" {
		return s.CronJob + ".cron"
	}
	return s.App + "-" + strconv.Itoa(s.Index+1)
}

// Source is the image to make the container from: a reference or an id.
func (s Spec) Source() string { return cmp.Or(s.From, s.Image) }

// Staged is the name of a container that is made while the one whose place it takes has the name. No container that is
// in its place can have such a name.
func (s Spec) Staged() string { return s.Name() + ".next" }

// Hash identifies the spec. It must never change for the same spec, or an upgraded worker would replace
// every container: new fields are left out of the encoding while they are empty.
func (s Spec) Hash() string {
	encoded, err := json.Marshal(struct {
		App        string            `json:"app"`
		Index      int               `json:"index"`
		AppID      int64             `json:"app_id"`
		Image      string            `json:"image"`
		Env        map[string]string `json:"env,omitempty"`
		Ports      []PortBinding     `json:"ports,omitempty"`
		Networks   []string          `json:"networks,omitempty"`
		Volumes    []string          `json:"volumes,omitempty"`
		Devices    []string          `json:"devices,omitempty"`
		Privileged bool              `json:"privileged,omitempty"`

		topics.ContainerOptions
		RestartPolicy string              `json:"restart_policy,omitempty"`
		Healthcheck   *topics.Healthcheck `json:"healthcheck,omitempty"`

		From string `json:"-"`

		CronJob string `json:"cron_job,omitempty"`
	}(s))
	if err != nil {
		panic(err) // strings, numbers and booleans always encode
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}
