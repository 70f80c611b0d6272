// Package device_test holds what installs a worker on a device to what it promises.
package device_test

import (
	"debug/buildinfo"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muster/test/rig"
)

// maxSize is how many bytes each program may have.
const maxSize = 9 << 20

// A build is one of "make dist".
type build struct {
	machine elf.Machine
	class   elf.Class
	goarm   string
	// qemu runs it on this machine.
	qemu []string
}

var builds = map[string]build{
	"amd64":   {machine: elf.EM_X86_64, class: elf.ELFCLASS64},
	"arm64":   {machine: elf.EM_AARCH64, class: elf.ELFCLASS64, qemu: []string{"qemu-aarch64-static"}},
	"armv7":   {machine: elf.EM_ARM, class: elf.ELFCLASS32, goarm: "7", qemu: []string{"qemu-arm-static"}},
	"armv6":   {machine: elf.EM_ARM, class: elf.ELFCLASS32, goarm: "6", qemu: []string{"qemu-arm-static", "-cpu", "arm1176"}},
	"riscv64": {machine: elf.EM_RISCV, class: elf.ELFCLASS64, qemu: []string{"qemu-riscv64-static"}},
}

// Every program of "make dist" is a static one for its machine, says its version there, and is summed.
func TestDist(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("make", "-C", "../..", "dist", "DIST="+dir, "VERSION=v1.2.3").CombinedOutput(); err != nil {
		t.Fatalf("make dist: %v\n%s", err, out)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil || strings.Count(string(out), ": OK") != len(builds) {
		t.Errorf("the sums: %v\n%s", err, out)
	}
	for name, want := range builds {
		path := filepath.Join(dir, "muster-worker-linux-"+name)
		checkProgram(t, path, want)
		run := append(slices.Clone(want.qemu), path, "--version")
		if out, err := exec.Command(run[0], run[1:]...).CombinedOutput(); err != nil || string(out) != "muster-worker version v1.2.3\n" {
			t.Errorf("%s --version: %v: %q", name, err, out)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.2f MiB", name, float64(info.Size())/(1<<20))
		if info.Size() > maxSize {
			t.Errorf("%s has %d bytes, at most %d are allowed", name, info.Size(), maxSize)
		}
	}
}

func checkProgram(t *testing.T, path string, want build) {
	t.Helper()
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if program.Machine != want.machine || program.Class != want.class {
		t.Errorf("%s is for %v, %v, want %v, %v", path, program.Machine, program.Class, want.machine, want.class)
	}
	if slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC }) {
		t.Errorf("%s is linked dynamically", path)
	}
	if program.Section(".debug_info") != nil || program.Section(".symtab") != nil {
		t.Errorf("%s is not stripped", path)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	// GOARM 6 and 7 without a suffix use the processor's floating point unit, which every ARMv6 of a Raspberry Pi has.
	if settings["GOARM"] != want.goarm || settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" {
		t.Errorf("%s was built with %v", path, settings)
	}
}

// The unit is one to systemd, with the program at a place where this machine has one.
func TestUnit(t *testing.T) {
	unit, err := os.ReadFile("muster-worker.service")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := rig.Build(t, "muster/cmd/muster-worker")
	path := filepath.Join(dir, "muster-worker.service")
	placed := strings.Replace(string(unit), "/usr/local/bin/muster-worker", program, 1)
	if placed == string(unit) {
		t.Fatal("the unit does not start /usr/local/bin/muster-worker")
	}
	verify := func(unit string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path).CombinedOutput()
		if err != nil && len(out) == 0 {
			t.Fatalf("systemd-analyze: %v", err)
		}
		var about []string // what it says of other units of this machine is not ours
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "muster-worker") {
				about = append(about, line)
			}
		}
		return strings.Join(about, "")
	}
	if said := verify(placed); said != "" {
		t.Errorf("systemd-analyze verify:\n%s", said)
	}
	if said := verify(strings.Replace(placed, "WatchdogSec=60", "WatchdogSec=often", 1)); said == "" {
		t.Error("systemd-analyze finds nothing wrong with a watchdog time that is none")
	}
	for _, want := range []string{"Type=notify", `WatchdogSec=\d+`, `MemoryMax=\d+M`, "Restart=always", "EnvironmentFile=/etc/muster/worker.env"} {
		if !regexp.MustCompile("(?m)^" + want + "$").Match(unit) {
			t.Errorf("the unit has no line %s", want)
		}
	}
}
