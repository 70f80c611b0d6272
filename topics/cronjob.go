package topics

import (
	"encoding/json"
	"strings"
)

// A CronJob is a container that devices run at the times of a schedule. The fields and their meaning are
// Nebula's; a change is anything that raises CronJobID.
type CronJob struct {
	// CronJobID is 1 at creation and one more after every change.
	CronJobID   int64  `json:"cron_job_id"`
	CronJobName string `json:"cron_job_name"`
	// Schedule has the five fields of crontab(5), minute, hour, day of month, month, day of week, or is a name
	// such as @daily: what package schedule parses.
	Schedule string `json:"schedule"`
	// DockerImage is an image reference as "docker pull" takes it.
	DockerImage string  `json:"docker_image"`
	EnvVars     EnvVars `json:"env_vars"`
	// Running is false for a cron_job that is not to be started.
	Running bool `json:"running"`
	// Networks, Volumes and Devices are those of [App].
	Networks   []string `json:"networks"`
	Volumes    []string `json:"volumes"`
	Devices    []string `json:"devices"`
	Privileged bool     `json:"privileged"`

	ContainerOptions
}

// NewCronJob is a cron_job with every optional field at its default.
func NewCronJob(name, schedule, image string) CronJob {
	return CronJob{
		CronJobID: 1, CronJobName: name, Schedule: schedule, DockerImage: image,
		EnvVars:  EnvVars{},
		Running:  true,
		Networks: []string{DefaultNetwork, "bridge"},
		Volumes:  []string{},
		Devices:  []string{},
	}
}

// MarshalJSON writes lists that are nil as empty ones: "null" is not a list to those who read it.
func (c CronJob) MarshalJSON() ([]byte, error) {
	type plain CronJob // without this method
	c.Networks = orEmpty(c.Networks)
	c.Volumes = orEmpty(c.Volumes)
	c.Devices = orEmpty(c.Devices)
	return json.Marshal(plain(c))
}

// Check reports the first field of c that is wrong as a [FieldError], nil when all are right. Whether
// DockerImage parses as a reference and Schedule as a schedule is left to those who can tell.
func (c CronJob) Check() error {
	if err := CheckAppName(c.CronJobName); err != nil {
		return fieldError("cron_job_name", err)
	}
	if c.CronJobID < 1 {
		return fieldErrorf("cron_job_id", "must be 1 or more, is %d", c.CronJobID)
	}
	if strings.TrimSpace(c.Schedule) == "" {
		return fieldErrorf("schedule", "must not be empty")
	}
	if err := checkContainer(c.DockerImage, c.EnvVars, c.Networks, c.Volumes, c.Devices); err != nil {
		return err
	}
	if err := c.ContainerOptions.check(); err != nil {
		return err
	}
	return checkMounts(c.Volumes, c.Tmpfs)
}
