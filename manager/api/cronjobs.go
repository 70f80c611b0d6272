package api

import (
	"errors"

	"muster/topics"
	"muster/topics/schedule"
)

// cronJobs answers the calls about cron_jobs.
func (a *api) cronJobs() workloads[topics.CronJob] {
	return workloads[topics.CronJob]{
		documents: documents[topics.CronJob]{a, cronJobKind, a.store.CronJobs()},
		fresh:     func(name string) topics.CronJob { return topics.NewCronJob(name, "", "") },
		container: func(job *topics.CronJob) container {
			return container{
				name: &job.CronJobName, image: &job.DockerImage, id: &job.CronJobID, env: &job.EnvVars,
				running: &job.Running, privileged: &job.Privileged,
				networks: &job.Networks, volumes: &job.Volumes, devices: &job.Devices,
				options: &job.ContainerOptions,
			}
		},
		own: func(job *topics.CronJob) []field {
			return []field{{"schedule", func(v value) error { return setSchedule(job, v) }}}
		},
		required: []string{"docker_image", "schedule"},
		ignored:  []string{"cron_job_id", "cron_job_name", "_id"},
		check:    topics.CronJob.Check,
		fits:     a.cronJobFits,
	}
}

// setSchedule refuses what is no schedule as Nebula does, and says why.
func setSchedule(job *topics.CronJob, v value) error {
	err := v.string(&job.Schedule)
	if err == nil {
		if _, err = schedule.Parse(job.Schedule); err != nil {
			err = fieldErrorf(v.field, "%v", err)
		}
	}
	if why, ok := errors.AsType[*topics.FieldError](err); ok {
		return &scheduleError{why}
	}
	return err
}

// A scheduleError says why a schedule is none.
type scheduleError struct{ why *topics.FieldError }

func (e *scheduleError) Error() string { return e.why.Error() }
