package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"muster/cmd/muster/internal/output"
	"muster/manager/client"
)

// ErrFailed says that on some devices something fails, and that the others are done.
var ErrFailed = errors.New("the rollout has failed")

// ErrLate says that time was up before the rollout was over.
var ErrLate = errors.New("the rollout is not over in time")

// A Watch follows one rollout.
type Watch struct {
	Fleet Fleet
	Query client.DeviceQuery
	Rules Rules
	// Title says what is followed.
	Title string
	// Interval is how long to wait between two looks.
	Interval time.Duration
	Out      io.Writer
	// Terminal gives the size of the terminal that Out is; nil when it is none, where lines are written instead.
	Terminal func() (width, height int)
}

// Run follows the rollout until it is over: nil when all is done, [ErrFailed], [ErrLate], or why it cannot be followed.
func (w Watch) Run(ctx context.Context) error {
	since := time.Now()
	var stuck time.Time // since when there is nothing left but failures
	p := printer{Watch: w, since: since}
	tick := time.NewTicker(w.Interval)
	defer tick.Stop()
	for {
		s, err := Read(ctx, w.Fleet, w.Query, p.room())
		now := time.Now()
		switch {
		case err != nil && (ctx.Err() != nil || !passing(err)):
			return err
		case err != nil && w.Rules.Within > 0 && now.Sub(since) >= w.Rules.Within:
			return fmt.Errorf("%w: %w", ErrLate, err)
		case err != nil:
			stuck = time.Time{}
		case s.All.Devices == 0:
			return fmt.Errorf("%s: there is no such device", w.Title)
		case !w.Rules.finished(s):
			stuck = time.Time{}
		case stuck.IsZero():
			stuck = now
		}
		if err := p.show(s, err); err != nil {
			return err
		}
		if err == nil {
			switch w.Rules.Decide(s, since, stuck, now) {
			case Open:
			case Done:
				return nil
			case Failed:
				return p.end(ErrFailed, s)
			case Late:
				return p.end(ErrLate, s)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// A printer shows one State after the other.
type printer struct {
	Watch
	since   time.Time
	last    State
	told    string // the line that was told last
	trouble string
	drawn   int // how many lines the frame on the terminal has
}

// end tells, where there is no terminal, which devices are not done and why, and returns how it ended.
func (p *printer) end(how error, s State) error {
	var screen output.Screen
	if p.Terminal == nil {
		s.table(&screen)
	}
	_, err := io.WriteString(p.Out, screen.String())
	return cmp.Or(err, fmt.Errorf("%w: %s", how, s.line()))
}

// named is how many devices are named at the end where there is no terminal: enough to know what to look into.
const named = 5

// head is how many lines a frame has at most besides those of devices.
const head = 8

// room is how many devices are of use.
func (p *printer) room() int {
	if p.Terminal == nil {
		return named
	}
	_, height := p.Terminal()
	return max(1, height-head)
}

// show shows a State; with an error, the one before it and the error.
func (p *printer) show(s State, trouble error) error {
	if trouble == nil {
		p.last = s
	}
	if p.Terminal != nil {
		return p.draw(trouble)
	}
	said := ""
	if trouble != nil {
		said = trouble.Error()
	}
	line := p.last.line()
	switch {
	case said != "" && said != p.trouble:
		line = said + "; it is asked again"
	case said != "" || line == p.told && p.trouble == "":
		p.trouble = said
		return nil
	default:
		p.told = line
	}
	p.trouble = said
	_, err := fmt.Fprintf(p.Out, "%s %s: %s\n", time.Now().UTC().Format(time.RFC3339), p.Title, line)
	return err
}

// eraseBelow erases from the cursor to the end of the screen.
const eraseBelow = "\x1b[J"

// draw puts a frame in the place of the one before.
func (p *printer) draw(trouble error) error {
	width, height := p.Terminal()
	// The last line is the cursor's.
	lines := p.last.frame(p.Title, time.Since(p.since), trouble, width, max(0, height-1))
	var b strings.Builder
	if p.drawn > 0 {
		b.WriteString(text.CursorUp.Sprintn(p.drawn))
	}
	for _, line := range lines {
		b.WriteString(line + text.EraseLine.Sprint() + "\n")
	}
	b.WriteString(eraseBelow)
	p.drawn = len(lines)
	_, err := io.WriteString(p.Out, b.String())
	return err
}
