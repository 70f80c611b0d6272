package machine

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/topics"
)

// What is read is what the machine's own files say.
func TestRead(t *testing.T) {
	m := NewReader(t.TempDir()).Read(t.Context())
	host, err := os.Hostname()
	if err != nil || m.Hostname != host {
		t.Errorf("the host is %q, want %q, %v", m.Hostname, host, err)
	}
	if boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err != nil || m.BootID != strings.TrimSpace(string(boot)) || len(m.BootID) != 36 {
		t.Errorf("the boot id is %q, want %q, %v", m.BootID, boot, err)
	}
	if u := uptime(); m.UptimeSeconds < 1 || u-m.UptimeSeconds > 5 {
		t.Errorf("up for %d s, then for %d s", m.UptimeSeconds, u)
	}
	total := meminfo(t, "MemTotal") / 1024
	if u := m.MemoryUsage; u == nil || u.Total != total || u.Free < 1 || u.Available < u.Free/2 || u.Used >= u.Total {
		t.Errorf("memory is %+v of %d MiB", u, total)
	}
	if d := m.RootDiskUsage; d == nil || d.Total < 1 || d.Used+d.Free > d.Total {
		t.Errorf("the disk is %+v", d)
	}
	if c := m.CPUUsage; c == nil || c.Cores < runtime.NumCPU() || c.UsedPercent <= 0 || c.UsedPercent > 100 {
		t.Errorf("the processor is %+v of %d", c, runtime.NumCPU())
	}
	for _, a := range m.Addresses {
		if ip := net.ParseIP(a); ip == nil || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
			t.Errorf("the address %q is told", a)
		}
	}
	r := topics.Report{Device: "d", DeviceGroup: "g", Phase: topics.PhaseWaiting, Machine: m, At: time.Now()}
	if _, err := r.Encode(); err != nil {
		t.Errorf("the facts are refused: %v", err)
	}
}

func meminfo(t *testing.T, field string) int64 {
	t.Helper()
	content, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if words := strings.Fields(line); words[0] == field+":" {
			kib, err := strconv.ParseInt(words[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatalf("no %s", field)
	return 0
}

// Use of the processor is that since the reading before, and not since the machine started.
func TestProcessorSinceTheLastReading(t *testing.T) {
	r := NewReader("/")
	idle := r.processor(t.Context()) // since the start
	for range runtime.NumCPU() {
		go func() {
			for t.Context().Err() == nil {
				continue
			}
		}()
	}
	busy := idle
	for deadline := time.Now().Add(30 * time.Second); busy.UsedPercent < 90; {
		if time.Now().After(deadline) {
			t.Fatalf("busy is %+v, since the start it was %+v", busy, idle)
		}
		busy = r.processor(t.Context())
		runtime.Gosched()
	}
}

// Temperatures come from the thermal zones where there is nothing better, and those of sensors that do not work are left out.
func TestTemperatures(t *testing.T) {
	sys := t.TempDir()
	for zone, temp := range map[string]string{"0": "48312\n", "1": "0\n", "2": "none\n"} {
		dir := filepath.Join(sys, "class/thermal/thermal_zone"+zone)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"type": "zone" + zone + "\n", "temp": temp} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("HOST_SYS", sys)
	if got := temperatures(t.Context()); len(got) != 1 || got["zone0"] != 48.3 {
		t.Errorf("temperatures are %v", got)
	}
}

func TestAddressesOfEnginesAreNoneOfTheDevice(t *testing.T) {
	var told []string
	for _, name := range []string{"eth0", "docker0", "br-1a2b", "veth12", "wlan0", "podman1", "bridge0"} {
		if !engines(name) {
			told = append(told, name)
		}
	}
	if want := []string{"eth0", "wlan0", "bridge0"}; !slices.Equal(told, want) {
		t.Errorf("told are %q, want %q", told, want)
	}
}
