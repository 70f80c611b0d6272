package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"muster/cmd/muster/internal/device"
	"muster/cmd/muster/internal/output"
	"muster/manager/fleet"
)

// line is a State in one line: what is told where there is no terminal.
func (s State) line() string {
	devices := "devices"
	if s.All.Devices == 1 {
		devices = "device"
	}
	return fmt.Sprintf("%d %s: %d done, %d updating, %d waiting, %d failed, %d offline; wanted: %s",
		s.All.Devices, devices, s.Done, s.Updating, s.Waiting, s.Failed, s.All.Offline, s.wanted())
}

// wanted names configs by their device_group.
func (s State) wanted() string {
	var all []string
	for group, v := range s.Wanted {
		config := "none"
		if !v.IsZero() {
			config = fmt.Sprint(v.ConfigID)
		}
		all = append(all, group+" "+config)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// gaugeWidth is how many columns a bar has.
const gaugeWidth = 20

// frame is a State as a screen of that size, its lines cut to fit.
func (s State) frame(title string, passed time.Duration, trouble error, width, height int) []string {
	online := s.All.Online
	var screen output.Screen
	screen.Line("rollout", "%s, since %v", title, passed.Round(time.Second))
	screen.Line("wanted", "%s", s.wanted())
	screen.Line("done", "%s %d of %d online", device.Gauge(device.Share(s.Done, online), gaugeWidth), s.Done, online)
	screen.Line("others", "%d updating, %d waiting, %d failed, %d offline", s.Updating, s.Waiting, s.Failed, s.All.Offline)
	if trouble != nil {
		screen.Line("trouble", "%v; this is of before, and asked again", trouble)
	}
	s.table(&screen)
	lines := strings.Split(strings.TrimSuffix(screen.String(), "\n"), "\n")
	for i, line := range lines {
		// In the last column a terminal may begin a new line, or erase what is there.
		lines[i] = strings.TrimRight(text.Snip(line, max(1, width-1), "…"), " ")
	}
	return lines[:min(len(lines), height)]
}

// table adds the devices that are shown.
func (s State) table(screen *output.Screen) {
	screen.Table([]string{"device", "device_group", "state", "config", "wanted", "what"}, deviceRows(s.Shown))
}

func deviceRows(devices []fleet.Device) (rows [][]string) {
	for _, d := range devices {
		what := doings(d)
		rows = append(rows, []string{
			d.Device, d.DeviceGroup, device.State(d), device.Config(d.Applied, d.Wanted), device.Config(d.Wanted, d.Applied), what[0],
		})
		for _, more := range what[1:] {
			rows = append(rows, []string{"", "", "", "", "", more})
		}
	}
	return rows
}

// doings are what fails on a device, and how far its pulls are; there is at least one.
func doings(d fleet.Device) (lines []string) {
	for _, f := range d.Failing {
		lines = append(lines, device.Subject(f)+": "+device.Why(f.Code, f.Reason))
	}
	for _, p := range d.Pulls {
		lines = append(lines, "pull "+p.App+p.CronJob+" "+device.Bar(p, gaugeWidth))
	}
	if len(lines) == 0 {
		return []string{"-"}
	}
	return lines
}
