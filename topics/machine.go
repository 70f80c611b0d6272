package topics

// Machine are facts of the device that a [Report] carries. What could not be found out is zero, and left out.
type Machine struct {
	// Hostname, MemoryUsage, RootDiskUsage and CPUUsage are as in Nebula's reports.
	Hostname      string       `json:"hostname,omitempty"`
	MemoryUsage   *MemoryUsage `json:"memory_usage,omitempty"`
	RootDiskUsage *DiskUsage   `json:"root_disk_usage,omitempty"`
	CPUUsage      *CPUUsage    `json:"cpu_usage,omitempty"`
	// StateDiskUsage is of the file system that holds the state directory, where that is not the root's.
	StateDiskUsage *DiskUsage `json:"state_disk_usage,omitempty"`
	// Temperatures are in degrees Celsius, by sensor; at most [MaxFacts], as Addresses.
	Temperatures map[string]float64 `json:"temperatures,omitempty"`
	// Addresses are the device's own IP addresses, without those of loopback and of Docker's networks.
	Addresses    []string `json:"addresses,omitempty"`
	OS           string   `json:"os,omitempty"`
	Kernel       string   `json:"kernel,omitempty"`
	Architecture string   `json:"architecture,omitempty"`
	// Engine is the container engine's version.
	Engine string `json:"engine,omitempty"`
	// UptimeSeconds is since the device booted, and BootID names that boot.
	UptimeSeconds int64  `json:"uptime_seconds,omitempty"`
	BootID        string `json:"boot_id,omitempty"`
}

// MemoryUsage is in MiB. Free is used by nothing, and Available what programs could have.
type MemoryUsage struct {
	Total     int64 `json:"total"`
	Used      int64 `json:"used"`
	Free      int64 `json:"free"`
	Available int64 `json:"available"`
}

// DiskUsage is in MiB. Free is what programs could have.
type DiskUsage struct {
	Total int64 `json:"total"`
	Used  int64 `json:"used"`
	Free  int64 `json:"free"`
}

// CPUUsage is of all cores together, since the report before.
type CPUUsage struct {
	Cores       int     `json:"cores"`
	UsedPercent float64 `json:"used_percent"`
}

// Limits of a [Machine].
const (
	// MaxFacts is the most entries of a list.
	MaxFacts = 16
	// MaxFact is the longest text in bytes.
	MaxFact = 100
)

// tidy cuts what is too long.
func (m Machine) tidy() Machine {
	for _, text := range []*string{&m.Hostname, &m.OS, &m.Kernel, &m.Architecture, &m.Engine, &m.BootID} {
		*text = shorten(*text, MaxFact)
	}
	m.Addresses = mapped(m.Addresses[:min(len(m.Addresses), MaxFacts)], func(a string) string { return shorten(a, MaxFact) })
	temperatures := make(map[string]float64, min(len(m.Temperatures), MaxFacts))
	for _, name := range sortedKeys(m.Temperatures) {
		if len(temperatures) < MaxFacts {
			temperatures[shorten(name, MaxFact)] = m.Temperatures[name]
		}
	}
	m.Temperatures = temperatures
	return m
}

func (m Machine) check() error {
	for field, text := range map[string]string{
		"hostname": m.Hostname, "os": m.OS, "kernel": m.Kernel, "architecture": m.Architecture, "engine": m.Engine, "boot_id": m.BootID,
	} {
		if len(text) > MaxFact {
			return fieldErrorf(field, "has %d bytes, at most %d are allowed", len(text), MaxFact)
		}
	}
	for field, count := range map[string]int{"addresses": len(m.Addresses), "temperatures": len(m.Temperatures)} {
		if count > MaxFacts {
			return fieldErrorf(field, "has %d entries, at most %d are allowed", count, MaxFacts)
		}
	}
	if m.UptimeSeconds < 0 {
		return fieldErrorf("uptime_seconds", "must not be negative, is %d", m.UptimeSeconds)
	}
	return nil
}
