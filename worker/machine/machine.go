// Package machine reads facts of the device that a report carries. It reads a few small files when it is asked, and
// does nothing in between.
package machine

import (
	"context"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/sensors"

	"muster/topics"
)

// mib is the unit of Nebula's reports.
const mib = 1 << 20

// A Reader reads the facts of this machine.
type Reader struct {
	stateDir string
	// mu guards before, the processor's times at the last reading.
	mu     sync.Mutex
	before cpu.TimesStat
}

// NewReader makes a reader. The state directory is told of where its file system is not the root's.
func NewReader(stateDir string) *Reader { return &Reader{stateDir: stateDir} }

// Read reads the facts. What cannot be found out is left out.
func (r *Reader) Read(ctx context.Context) topics.Machine {
	m := topics.Machine{
		MemoryUsage:   memory(ctx),
		RootDiskUsage: space(ctx, "/"),
		CPUUsage:      r.processor(ctx),
		Temperatures:  temperatures(ctx),
		Addresses:     addresses(),
		UptimeSeconds: uptime(),
		BootID:        line("/proc/sys/kernel/random/boot_id"),
	}
	m.Hostname, _ = os.Hostname()
	if state := space(ctx, r.stateDir); state != nil && (m.RootDiskUsage == nil || state.Total != m.RootDiskUsage.Total) {
		m.StateDiskUsage = state
	}
	return m
}

func memory(ctx context.Context) *topics.MemoryUsage {
	v, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return nil
	}
	return &topics.MemoryUsage{Total: int64(v.Total / mib), Used: int64(v.Used / mib), Free: int64(v.Free / mib), Available: int64(v.Available / mib)}
}

func space(ctx context.Context, path string) *topics.DiskUsage {
	u, err := disk.UsageWithContext(ctx, path)
	if err != nil {
		return nil
	}
	return &topics.DiskUsage{Total: int64(u.Total / mib), Used: int64(u.Used / mib), Free: int64(u.Free / mib)}
}

// processor is how busy all cores were since the last reading, or since the machine started.
func (r *Reader) processor(ctx context.Context) *topics.CPUUsage {
	all, err := cpu.TimesWithContext(ctx, false)
	cores, cerr := cpu.CountsWithContext(ctx, true)
	if err != nil || cerr != nil || len(all) == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := all[0]
	total, idle := sum(now)-sum(r.before), now.Idle+now.Iowait-r.before.Idle-r.before.Iowait
	r.before = now
	if total <= 0 {
		return &topics.CPUUsage{Cores: cores}
	}
	used := 100 * (total - idle) / total
	return &topics.CPUUsage{Cores: cores, UsedPercent: math.Round(10*min(max(used, 0), 100)) / 10}
}

// sum is all time that passed. What guests use is part of the user's.
func sum(t cpu.TimesStat) float64 {
	return t.User + t.System + t.Idle + t.Nice + t.Iowait + t.Irq + t.Softirq + t.Steal
}

func temperatures(ctx context.Context) map[string]float64 {
	list, _ := sensors.TemperaturesWithContext(ctx) // its errors are of single sensors
	found := map[string]float64{}
	for _, t := range list {
		if _, twice := found[t.SensorKey]; !twice && t.Temperature != 0 {
			found[t.SensorKey] = math.Round(10*t.Temperature) / 10
		}
	}
	return found
}

// uptime is in seconds; 0 when it is not known.
func uptime() int64 {
	first, _, _ := strings.Cut(line("/proc/uptime"), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return int64(seconds)
}

// line is the only line of a file; empty when there is none.
func line(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
