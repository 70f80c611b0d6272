package rollout_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/cmd/muster/internal/rollout"
	"muster/manager/client"
)

// watching follows shops, once a second, for lines.
func watching(f *devices, out *bytes.Buffer) rollout.Watch {
	return rollout.Watch{
		Fleet: f, Query: client.DeviceQuery{DeviceGroup: "shops"}, Title: "shops", Interval: time.Second, Out: out,
		Rules: rollout.Rules{Patience: 30 * time.Second, Within: time.Hour},
	}
}

// A line is written whenever the numbers change, and no other.
func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, f := time.Now(), &devices{}
		f.before = func(int) error {
			switch passed := time.Since(start); {
			case passed < 5*time.Second:
				f.all = append(many(1, 2, waiting), offline(waiting("x")))
			case passed < 9*time.Second:
				f.all[0] = updating("d1")
			default:
				f.all[0], f.all[1] = done("d1"), done("d2")
			}
			return nil
		}
		var out bytes.Buffer
		if err := watching(f, &out).Run(t.Context()); err != nil {
			t.Error(err)
		}
		const want = "" +
			"2000-01-01T00:00:00Z shops: 3 devices: 0 done, 0 updating, 2 waiting, 0 failed, 1 offline; wanted: shops 7\n" +
			"2000-01-01T00:00:05Z shops: 3 devices: 0 done, 1 updating, 1 waiting, 0 failed, 1 offline; wanted: shops 7\n" +
			"2000-01-01T00:00:09Z shops: 3 devices: 2 done, 0 updating, 0 waiting, 0 failed, 1 offline; wanted: shops 7\n"
		if out.String() != want {
			t.Errorf("the lines are\n%s\nwant\n%s", out.String(), want)
		}
	})
}

// What fails for a moment does not count; what goes on does, and then the clock starts anew.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, f := time.Now(), &devices{}
		f.before = func(int) error {
			f.all = many(1, 1, failing)
			if passed := time.Since(start); passed > 20*time.Second && passed < 25*time.Second {
				f.all = many(1, 1, updating)
			}
			return nil
		}
		var out bytes.Buffer
		err := watching(f, &out).Run(t.Context())
		if passed := time.Since(start); !errors.Is(err, rollout.ErrFailed) || passed != 55*time.Second {
			t.Errorf("after %v: %v", passed, err)
		}
		// Who reads only this is told which device it is, and why.
		const end = "1 device: 0 done, 0 updating, 0 waiting, 1 failed, 0 offline; wanted: shops 7\n" + `
DEVICE  DEVICE_GROUP  STATE    CONFIG  WANTED  WHAT
d1      shops         failing  6       7       app api: image_missing: not found
`
		if !strings.HasSuffix(out.String(), end) {
			t.Errorf("the lines are\n%s\nwant in the end\n%s", out.String(), end)
		}
	})
}

func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := watching(&devices{all: many(1, 1, waiting)}, &bytes.Buffer{}).Run(t.Context())
		if passed := time.Since(start); !errors.Is(err, rollout.ErrLate) || passed != time.Hour {
			t.Errorf("after %v: %v", passed, err)
		}
	})
}

// A manager that restarts, or a network that fails, does not end it, and time goes on meanwhile.
func TestTroubleOfAManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, f := time.Now(), &devices{all: many(1, 1, failing)}
		f.before = func(int) error {
			if passed := time.Since(start); passed > 10*time.Second && passed < 20*time.Second {
				return errors.New("connection refused")
			}
			return nil
		}
		var out bytes.Buffer
		err := watching(f, &out).Run(t.Context())
		if passed := time.Since(start); !errors.Is(err, rollout.ErrFailed) || passed != 50*time.Second {
			t.Errorf("after %v: %v", passed, err)
		}
		if got := strings.Count(out.String(), "connection refused; it is asked again\n"); got != 1 || strings.Count(out.String(), "Z shops: ") != 3 {
			t.Errorf("the lines are\n%s", out.String())
		}
		f.before = func(int) error { return errors.New("connection refused") }
		start = time.Now()
		err = watching(f, &bytes.Buffer{}).Run(t.Context())
		if passed := time.Since(start); !errors.Is(err, rollout.ErrLate) || passed != time.Hour {
			t.Errorf("of a manager that is gone, after %v: %v", passed, err)
		}
	})
}

// What does not heal by itself ends it at once.
func TestTroubleThatLasts(t *testing.T) {
	for _, lasting := range []error{client.ErrDenied, client.ErrNotAllowed, client.ErrNotFound, &client.Error{Status: 400}} {
		f := &devices{before: func(int) error { return fmt.Errorf("list: %w", lasting) }}
		if err := watching(f, &bytes.Buffer{}).Run(t.Context()); !errors.Is(err, lasting) {
			t.Errorf("%v, want %v", err, lasting)
		}
	}
	if err := watching(&devices{}, &bytes.Buffer{}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no such device") {
		t.Errorf("of no device: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := &devices{all: many(1, 1, waiting), before: func(int) error { cancel(); return nil }}
	if err := watching(f, &bytes.Buffer{}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
