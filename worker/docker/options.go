package docker

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"muster/topics"
	"muster/worker"
)

// restartPolicy has the engine bring containers back, after a reboot too, whether or not there is a worker. With
// "unless-stopped" it would not after it was killed: Docker then takes the containers, which it ends when it starts
// again, for stopped by hand.
func restartPolicy(spec worker.Spec) container.RestartPolicy {
	policy := container.RestartPolicyAlways
	if spec.RestartPolicy != "" {
		policy = container.RestartPolicyMode(spec.RestartPolicy)
	}
	return container.RestartPolicy{Name: policy}
}

// cpuPeriod is the time in which a container may use its share of the CPUs, Docker's default.
const cpuPeriod = 100 * time.Millisecond

// resources limits memory and CPUs. The CPUs are a quota and not NanoCPUs, which the engine refuses above the
// number of cores: a limit that a small device cannot exceed is not to keep the app from it.
func resources(spec worker.Spec) (r container.Resources) {
	if spec.MemoryLimitMB > 0 {
		r.Memory = spec.MemoryLimitMB << 20
		r.MemorySwap = r.Memory // else as much again of swap, where there is any
	}
	if spec.CPUs > 0 {
		r.CPUPeriod = cpuPeriod.Microseconds()
		r.CPUQuota = int64(math.Round(spec.CPUs * float64(r.CPUPeriod)))
	}
	return r
}

// logConfig bounds a log to megabytes, in two files: when the second is full it takes the place of the first.
func logConfig(megabytes int64) container.LogConfig {
	if megabytes <= 0 {
		return container.LogConfig{}
	}
	// Every engine has this driver, while the one that is its default may have no bound.
	return container.LogConfig{Type: "json-file", Config: map[string]string{
		"max-file": "2",
		"max-size": strconv.FormatInt(500*megabytes, 10) + "k",
	}}
}

// tmpfs reads lines of path[:options].
func tmpfs(lines []string) map[string]string {
	var byPath map[string]string
	for _, line := range lines {
		if byPath == nil {
			byPath = map[string]string{}
		}
		path, options, _ := strings.Cut(line, ":")
		byPath[path] = options
	}
	return byPath
}

// extraHosts gives lines of name:address the form that engines before 25 know: an IPv6 address without brackets.
func extraHosts(lines []string) []string {
	var hosts []string
	for _, line := range lines {
		name, address, _ := strings.Cut(line, ":")
		hosts = append(hosts, name+":"+strings.Trim(address, "[]"))
	}
	return hosts
}

// healthcheck leaves what is 0 or empty to the image.
func healthcheck(h *topics.Healthcheck) *container.HealthConfig {
	if h == nil {
		return nil
	}
	return &container.HealthConfig{
		Test:        h.Test,
		Interval:    time.Duration(h.IntervalSeconds) * time.Second,
		Timeout:     time.Duration(h.TimeoutSeconds) * time.Second,
		StartPeriod: time.Duration(h.StartPeriodSeconds) * time.Second,
		Retries:     h.Retries,
	}
}
