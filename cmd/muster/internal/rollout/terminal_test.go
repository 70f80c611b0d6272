package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"muster/cmd/muster/internal/rollout"
	"muster/manager/client"
	"muster/manager/fleet"
)

// A terminal does what real ones do with what is written to it, as far as this package writes it.
type terminal struct {
	t      *testing.T
	width  int
	height int
	lines  []string
	row    int
}

var sequence = regexp.MustCompile(`^\x1b\[(\d*)([A-JL-Z])`)

func (s *terminal) Write(p []byte) (int, error) {
	for left := string(p); left != ""; {
		for len(s.lines) <= s.row {
			s.lines = append(s.lines, "")
		}
		if match := sequence.FindStringSubmatch(left); match != nil {
			left = left[len(match[0]):]
			switch match[2] {
			case "A":
				n, _ := strconv.Atoi(match[1])
				if n > s.row || n >= s.height {
					s.t.Errorf("the cursor goes up %d lines from line %d", n, s.row)
				}
				s.row -= n
			case "J":
				s.lines = s.lines[:s.row]
			default:
				s.t.Fatalf("it is not known what %q does", match[0])
			}
			continue
		}
		line, rest, ended := strings.Cut(left, "\n")
		line, erased := strings.CutSuffix(line, "\x1b[K")
		if !erased || !ended {
			s.t.Fatalf("the line %q keeps the end of the one that was there", line)
		}
		if text.StringWidth(line) >= s.width {
			s.t.Errorf("%q is %d columns wide", line, text.StringWidth(line))
		}
		s.lines[s.row] = line
		s.row++
		left = rest
	}
	return len(p), nil
}

// on has a watch write to the terminal, and stop after so many looks.
func (s *terminal) on(f *devices, looks int) {
	s.t.Helper()
	synctest.Test(s.t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(looks)*time.Second-time.Millisecond)
		defer cancel()
		err := rollout.Watch{
			Fleet: f, Query: client.DeviceQuery{DeviceGroup: "shops"}, Title: "shops", Interval: time.Second, Out: s,
			Terminal: func() (int, int) { return s.width, s.height },
		}.Run(ctx)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestTerminal(t *testing.T) {
	s := &terminal{t: t, width: 120, height: 30, lines: []string{"$ muster watch shops"}, row: 1}
	f := &devices{all: slices.Concat(many(1, 2, updating), many(3, 1, waiting), many(4, 5, done), many(9, 1, failing))}
	s.on(f, 1)
	const begun = `$ muster watch shops
rollout       shops, since 0s
wanted        shops 7
done          ███████████░░░░░░░░░ 5 of 9 online
others        2 updating, 1 waiting, 1 failed, 0 offline

DEVICE  DEVICE_GROUP  STATE     CONFIG  WANTED  WHAT
d9      shops         failing   6       7       app api: image_missing: not found
d1      shops         updating  6       7       pull web ██████████░░░░░░░░░░  50% 500B of 1kB
d2      shops         updating  6       7       pull web ██████████░░░░░░░░░░  50% 500B of 1kB
d3      shops         behind    6       7       -
`
	if got := strings.Join(s.lines, "\n") + "\n"; got != begun {
		t.Errorf("the screen is\n%s\nwant\n%s", got, begun)
	}

	// Then the pulls end: nothing of what was there before is left.
	s.lines, s.row = s.lines[:1], 1
	f.asked, f.before = 0, func(asked int) error {
		if asked > 4 {
			f.all = many(1, 9, done)
		}
		return nil
	}
	s.on(f, 3)
	const over = `$ muster watch shops
rollout       shops, since 1s
wanted        shops 7
done          ████████████████████ 9 of 9 online
others        0 updating, 0 waiting, 0 failed, 0 offline
`
	if got := strings.Join(s.lines, "\n") + "\n"; got != over {
		t.Errorf("the screen is\n%s\nwant\n%s", got, over)
	}
}

// Whatever the size of the terminal, the fleet, and what devices say, a frame has room on the screen.
func TestTerminalOfAnySize(t *testing.T) {
	long := func(name string) fleet.Device {
		d := failing(name)
		d.Failing = slices.Repeat(d.Failing, 5)
		for i := range d.Failing {
			d.Failing[i].Reason = strings.Repeat("日本", 100) + "\x1b[2J\n"
		}
		return d
	}
	for _, size := range []struct{ width, height int }{{20, 1}, {1, 50}, {10, 3}, {79, 24}, {500, 200}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := &terminal{t: t, width: max(2, size.width), height: size.height}
			s.on(&devices{all: slices.Concat(many(1, 300, long), many(400, 300, updating))}, 4)
			if len(s.lines) >= size.height {
				t.Errorf("%d lines on a screen of %d", len(s.lines), size.height)
			}
		})
	}
}

// What was known stays on the screen while the manager does not answer.
func TestTerminalInTrouble(t *testing.T) {
	f := &devices{all: many(1, 1, waiting)}
	f.before = func(asked int) error {
		if asked > 3 {
			return errors.New("connection refused")
		}
		return nil
	}
	s := &terminal{t: t, width: 100, height: 30}
	s.on(f, 4)
	screen := strings.Join(s.lines, "\n")
	for _, want := range []string{"trouble       connection refused; this is of before, and asked again", "d1      shops         behind"} {
		if !strings.Contains(screen, want) {
			t.Errorf("%q is not on the screen:\n%s", want, screen)
		}
	}
}
