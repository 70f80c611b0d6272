package topics

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// Limits of the optional settings of a container.
const (
	minMemoryMB  = 6       // Docker refuses less
	maxMemoryMB  = 1 << 24 // 16 TiB
	minCPUs      = 0.01    // Docker's, and so are the three decimals below
	maxCPUs      = 1024
	maxLogMB     = 1 << 20 // 1 TiB
	maxStopGrace = 3600
	maxUser      = 256
)

// HostGateway stands for the device's own address in [ContainerOptions.ExtraHosts].
const HostGateway = "host-gateway"

// reservedLabels are those that Nebula's workers and ours put on containers themselves, beside all that begin with
// labelPrefix.
var reservedLabels = []string{"orchestrator", "app_name", "container_type"}

const labelPrefix = "muster."

// check reports the first option that is wrong.
func (o ContainerOptions) check() error {
	for _, wrong := range []error{
		checkCommand(o.Entrypoint, o.Command),
		checkUser(o.User),
		checkWithin("memory_limit_mb", o.MemoryLimitMB, minMemoryMB, maxMemoryMB),
		checkCPUs(o.CPUs),
		checkLabels(o.Labels),
		checkWithin("log_max_mb", o.LogMaxMB, 1, maxLogMB),
		checkGrace(o.StopGraceSeconds),
		checkCapabilities("cap_add", o.CapAdd),
		checkCapabilities("cap_drop", o.CapDrop),
		checkTmpfs(o.Tmpfs),
		checkExtraHosts(o.ExtraHosts),
	} {
		if wrong != nil {
			return wrong
		}
	}
	return nil
}

// checkCommand allows [""] as an entrypoint: so the image's is left out, as "docker run --entrypoint ”" does.
func checkCommand(entrypoint, command []string) error {
	if hasNUL(entrypoint) {
		return fieldErrorf("entrypoint", "may not contain NUL")
	}
	if hasNUL(command) {
		return fieldErrorf("command", "may not contain NUL")
	}
	if len(entrypoint) == 0 || entrypoint[0] != "" {
		return nil
	}
	if len(entrypoint) > 1 {
		return fieldErrorf("entrypoint", "must begin with a program")
	}
	if len(command) == 0 || command[0] == "" {
		return fieldErrorf("entrypoint", `[""] leaves out the image's, and then needs a command`)
	}
	return nil
}

func checkUser(user string) error {
	if user == "" {
		return nil
	}
	name, group, both := strings.Cut(user, ":")
	if len(user) > maxUser || name == "" || both && group == "" || strings.Contains(group, ":") || hasBlank(user) {
		return fieldErrorf("user", "must be user or user:group, by name or number, in at most %d characters, is %.80q", maxUser, user)
	}
	return nil
}

// checkWithin takes 0 for a limit that is not set.
func checkWithin(field string, n, least, most int64) error {
	if n != 0 && (n < least || n > most) {
		return fieldErrorf(field, "must be %d to %d, or 0 for none, is %d", least, most, n)
	}
	return nil
}

func checkCPUs(n float64) error {
	if n == 0 {
		return nil
	}
	if !(n >= minCPUs && n <= maxCPUs) || math.Round(n*1000)/1000 != n {
		return fieldErrorf("cpus", "must be %v to %v with at most three decimals, or 0 for no limit, is %v", minCPUs, maxCPUs, n)
	}
	return nil
}

func checkLabels(labels map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		switch {
		case name == "" || hasBlank(name):
			return fieldErrorf("labels."+name, "the name must not be empty nor have blanks in it")
		case strings.HasPrefix(name, labelPrefix) || slices.Contains(reservedLabels, name):
			return fieldErrorf("labels."+name, "is a label that the worker itself sets")
		case strings.ContainsRune(labels[name], 0):
			return fieldErrorf("labels."+name, "may not contain NUL")
		}
	}
	return nil
}

func checkGrace(seconds *int) error {
	if seconds != nil && (*seconds < 0 || *seconds > maxStopGrace) {
		return fieldErrorf("stop_grace_seconds", "must be 0 to %d, is %d", maxStopGrace, *seconds)
	}
	return nil
}

// checkCapabilities leaves to the engine which ones there are: kernels get new ones.
func checkCapabilities(field string, names []string) error {
	for _, name := range names {
		plain := plainCapability(name)
		if plain == "" || strings.Trim(plain, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
			return fieldErrorf(field, `must be names of Linux capabilities such as "NET_ADMIN", or "ALL", is %.80q`, name)
		}
	}
	return nil
}

func checkTmpfs(lines []string) error {
	seen := map[string]bool{}
	for _, line := range lines {
		path, options, given := strings.Cut(line, ":")
		if !strings.HasPrefix(path, "/") || strings.Trim(path, "/") == "" || given && options == "" || strings.ContainsAny(options, " \t\n:\x00") || strings.ContainsRune(path, 0) {
			return fieldErrorf("tmpfs", `must be path[:options] with an absolute path that is not /, such as "/run:size=16m", is %.200q`, line)
		}
		if seen[path] {
			return fieldErrorf("tmpfs", "%.200q is listed twice", path)
		}
		seen[path] = true
	}
	return nil
}

func checkExtraHosts(lines []string) error {
	for _, line := range lines {
		name, address, _ := strings.Cut(line, ":")
		if name == "" || hasBlank(name) || strings.Contains(name, "#") || !isHostAddress(address) {
			return fieldErrorf("extra_hosts", "must be name:address with an IPv4 or IPv6 address, or %q for the device's own, is %.200q", HostGateway, line)
		}
	}
	return nil
}

func isHostAddress(s string) bool {
	if s == HostGateway {
		return true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(s, ":") {
			return false
		}
	}
	address, err := netip.ParseAddr(s)
	return err == nil && address.Zone() == ""
}

func hasNUL(list []string) bool { return strings.ContainsRune(strings.Join(list, ""), 0) }

func hasBlank(s string) bool { return strings.ContainsAny(s, " \t\r\n\v\f\x00") }
