package topics

// ContainerOptions are the settings of a container that Nebula does not have. Each is optional; one that is
// left out is not written either, so that objects without any are encoded as they always were.
type ContainerOptions struct {
	// Command replaces the image's CMD, Entrypoint its ENTRYPOINT. An entrypoint without a command leaves
	// the image's CMD out, as "docker run" does.
	Command    []string `json:"command,omitempty"`
	Entrypoint []string `json:"entrypoint,omitempty"`
	// User is the user, or user:group, that the container runs as, by name or number.
	User string `json:"user,omitempty"`
	// MemoryLimitMB is how many MiB of memory the container may use before the kernel ends it; 0 is no
	// limit, else at least 6, which is the least that Docker takes.
	MemoryLimitMB int64 `json:"memory_limit_mb,omitempty"`
	// CPUs is how many CPU cores the container may use at most, such as 0.5; 0 is no limit.
	CPUs float64 `json:"cpus,omitempty"`
	// Labels are put on the container beside those of Muster, which they may not replace.
	Labels map[string]string `json:"labels,omitempty"`
	// LogMaxMB is how large the container's log may grow, in MB; 0 leaves it to the engine.
	LogMaxMB int64 `json:"log_max_mb,omitempty"`
	// StopGraceSeconds is how long the container has to end after SIGTERM before it is killed:
	// [DefaultStopGrace] when left out, at most 3600.
	StopGraceSeconds *int `json:"stop_grace_seconds,omitempty"`
	// ReadOnly makes the container's root file system read-only.
	ReadOnly bool `json:"read_only,omitempty"`
	// CapAdd and CapDrop are Linux capabilities, such as "NET_ADMIN" or "ALL".
	CapAdd  []string `json:"cap_add,omitempty"`
	CapDrop []string `json:"cap_drop,omitempty"`
	// Tmpfs are directories in memory, in the form path[:options], such as "/run:size=16m".
	Tmpfs []string `json:"tmpfs,omitempty"`
	// ExtraHosts are lines of the container's /etc/hosts, in the form name:address.
	ExtraHosts []string `json:"extra_hosts,omitempty"`
}

// AppOptions are the optional settings of an app that a cron_job does not have.
type AppOptions struct {
	// RestartPolicy says when the engine starts a container again that has ended: one of the RestartPolicy
	// constants; [RestartAlways] when empty.
	RestartPolicy string `json:"restart_policy,omitempty"`
	// Healthcheck overrides the one of the image.
	Healthcheck *Healthcheck `json:"healthcheck,omitempty"`
	// DependsOn names apps of the same device_group whose containers are to be up, and healthy where they
	// have a health check, before one of this app is started.
	DependsOn []string `json:"depends_on,omitempty"`
}

// DefaultStopGrace is the [ContainerOptions.StopGraceSeconds] of a container that has none.
const DefaultStopGrace = 10

// Canonical is o without what says no more than nothing: a value that is the default anyway.
func (o ContainerOptions) Canonical() ContainerOptions {
	if o.StopGraceSeconds != nil && *o.StopGraceSeconds == DefaultStopGrace {
		o.StopGraceSeconds = nil
	}
	return o
}

// Canonical is o without what says no more than nothing: a value that is the default anyway.
func (o AppOptions) Canonical() AppOptions {
	if o.RestartPolicy == RestartAlways {
		o.RestartPolicy = ""
	}
	if h := o.Healthcheck; h != nil && len(h.Test) == 0 && h.IntervalSeconds|h.TimeoutSeconds|h.StartPeriodSeconds|h.Retries == 0 {
		o.Healthcheck = nil
	}
	return o
}

// Restart policies: see [AppOptions.RestartPolicy]. They are Docker's.
const (
	RestartAlways        = "always"
	RestartUnlessStopped = "unless-stopped"
	RestartOnFailure     = "on-failure"
	RestartNo            = "no"
)

// A Healthcheck is how the engine finds out whether a container works. A field that is 0 is as the image
// says, and without that as Docker does: 30 s, 30 s, 0 s and 3.
type Healthcheck struct {
	// Test is ["NONE"] for no check at all, ["CMD", "program", "argument", …], or ["CMD-SHELL", "command"].
	// Empty inherits the image's.
	Test []string `json:"test,omitempty"`
	// IntervalSeconds is the time between two checks, TimeoutSeconds how long one may take, and
	// StartPeriodSeconds how long failures do not count after the start.
	IntervalSeconds    int `json:"interval_seconds,omitempty"`
	TimeoutSeconds     int `json:"timeout_seconds,omitempty"`
	StartPeriodSeconds int `json:"start_period_seconds,omitempty"`
	// Retries is how many failures in a row make the container unhealthy.
	Retries int `json:"retries,omitempty"`
}
