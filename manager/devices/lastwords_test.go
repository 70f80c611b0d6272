package devices

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

// What a device ran when its connection ended stays known: a will was made when the connection was, and knows nothing of what came
// after. What of it is newer than all else is believed.
func TestWhatAnOfflineDeviceRan(t *testing.T) {
	const on, off = topics.Online, topics.Offline
	said := func(s topics.Status) func(*census) { return func(c *census) { c.apply("d", s, now) } }
	stored := func(group string, configID int64, reported time.Time, failing ...string) func(*census) {
		s := status(on, 0, group, configID, failing...)
		return func(c *census) {
			c.head(store.DeviceHead{Device: "d", DeviceGroup: group, Version: s.Version, Failing: s.Failing, Reported: reported, Changed: time.Now().Add(time.Hour)})
		}
	}
	before, after := now.Add(-time.Hour), time.Now().Add(time.Hour)
	lost := func(c *census) {
		c.reconnected()
		c.settled(now)
	}
	type known struct {
		group    string
		configID int64
		failing  []string
	}
	for name, tc := range map[string]struct {
		steps []func(*census)
		want  known
	}{
		"a will of before the config":     {[]func(*census){said(status(on, 1, "g", 2, "web")), said(status(off, 1, "g", 0))}, known{"g", 2, []string{"web"}}},
		"a goodbye with the same config":  {[]func(*census){said(status(on, 1, "g", 2, "web")), said(status(off, 1, "g", 2))}, known{"g", 2, []string{"web"}}},
		"a will with a newer config":      {[]func(*census){said(status(on, 1, "g", 2, "web")), said(status(off, 2, "g", 3))}, known{"g", 3, nil}},
		"a will of another group":         {[]func(*census){said(status(on, 1, "g", 2, "web")), said(status(off, 2, "h", 1))}, known{"h", 1, nil}},
		"a will alone":                    {[]func(*census){said(status(off, 1, "g", 1))}, known{"g", 1, nil}},
		"the store, then a will":          {[]func(*census){stored("g", 2, before, "web"), said(status(off, 1, "g", 1))}, known{"g", 2, []string{"web"}}},
		"a will, then the store":          {[]func(*census){said(status(off, 1, "g", 1)), stored("g", 2, before, "web")}, known{"g", 2, []string{"web"}}},
		"a will, then an older report":    {[]func(*census){said(status(off, 1, "g", 3)), stored("g", 2, before, "web")}, known{"g", 3, nil}},
		"a will, then another group":      {[]func(*census){said(status(off, 1, "g", 1)), stored("h", 2, before, "web")}, known{"g", 1, nil}},
		"what it said, labelled since":    {[]func(*census){said(status(on, 1, "g", 2, "web")), said(status(off, 1, "g", 1)), stored("g", 2, before)}, known{"g", 2, []string{"web"}}},
		"a report that came after":        {[]func(*census){said(status(on, 1, "g", 2, "web")), said(status(off, 1, "g", 1)), stored("g", 2, after)}, known{"g", 2, nil}},
		"online, whatever the store says": {[]func(*census){said(status(on, 1, "g", 2, "web")), stored("g", 3, after)}, known{"g", 2, []string{"web"}}},
		"lost, then labelled":             {[]func(*census){stored("g", 1, before), said(status(on, 1, "g", 2, "web")), lost, stored("g", 1, before)}, known{"g", 2, []string{"web"}}},
		"back":                            {[]func(*census){said(status(on, 1, "g", 2, "web")), said(status(off, 1, "g", 1)), said(status(on, 2, "g", 1))}, known{"g", 1, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCensus()
			for _, step := range tc.steps {
				step(c)
			}
			r := c.devices["d"]
			if diff := cmp.Diff(tc.want, known{r.group.Value(), r.configID, r.apps()}, cmp.AllowUnexported(known{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
