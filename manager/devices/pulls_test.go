package devices

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

func pulled(app string, done, total int64) topics.Progress {
	return topics.Progress{App: app, Phase: topics.PhasePull, Done: done, Total: total}
}

// Of each pull the latest is shown, until it is over or nothing is heard of it any more.
func TestPulls(t *testing.T) {
	p := make(pulls)
	p.take("d", pulled("web", 1, 10), now)
	p.take("d", pulled("db", 0, 0), now)
	p.take("d", topics.Progress{CronJob: "web", Phase: topics.PhasePull, Done: 2, Total: 3}, now)
	p.take("d", pulled("web", 5, 10), now.Add(20*time.Second))
	want := []topics.Progress{{CronJob: "web", Phase: topics.PhasePull, Done: 2, Total: 3}, pulled("db", 0, 0), pulled("web", 5, 10)}
	if diff := cmp.Diff(want, p.of("d")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.expire(now.Add(pullsEnd + time.Second))
	if diff := cmp.Diff([]topics.Progress{pulled("web", 5, 10)}, p.of("d")); diff != "" {
		t.Errorf("what is left of those that are not heard of (-want +got):\n%s", diff)
	}
	p.take("d", pulled("web", 10, 10), now.Add(40*time.Second))
	p.take("d", pulled("new", 10, 10), now.Add(40*time.Second))
	if len(p) != 0 {
		t.Errorf("after the last is over: %v", p)
	}
}

// What devices make up of apps does not fill the memory.
func TestPullsAreBounded(t *testing.T) {
	p := make(pulls)
	for i := range 2 * maxPulls {
		p.take("d", pulled(fmt.Sprint("app", i), 1, 10), now)
	}
	if got := len(p.of("d")); got != maxPulls {
		t.Errorf("%d pulls of a device are kept, want %d", got, maxPulls)
	}
	for i := range maxPulling + 10 {
		p.take(fmt.Sprint("d", i), pulled("web", 1, 10), now)
	}
	if len(p) != maxPulling {
		t.Errorf("pulls of %d devices are kept, want %d", len(p), maxPulling)
	}
}

// The progress of a device that is known arrives in lists; a check-in counts as hearing of it.
func TestProgressIsShown(t *testing.T) {
	s := newSite(t)
	f, _ := s.manager("m1")
	s.status("d", status(topics.Online, 1, "shops", 1))
	s.lists(f, "d online 1")
	payload, err := pulled("web", 3, 12).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.publish(topics.DeviceProgress, "unknown", payload)
	s.publish(topics.DeviceProgress, "d", payload)
	s.await("the pull", func() bool {
		got := f.List(Query{}, "", 10, false).Devices
		return len(got) == 1 && len(got[0].Pulls) == 1 && got[0].Pulls[0].Done == 3
	})

	f.mu.Lock()
	f.census.devices["d"].seen.Store(seconds(now))
	f.mu.Unlock()
	f.Heard("unknown")
	f.Heard("d")
	if seen := f.List(Query{}, "", 10, false).Devices[0].LastSeen; seen == nil || time.Since(*seen) > time.Minute {
		t.Errorf("last seen %v", seen)
	}
}

// Reasons are left out when there are too many, never the failures; and are let in again when others are gone.
func TestReasonsAreBounded(t *testing.T) {
	c := newCensus()
	c.maxReasons = 25
	reason := func(device string) string { return c.devices[device].failing[0].Value().Reason }
	for _, device := range []string{"a", "b", "c"} {
		c.apply(device, status(topics.Online, 1, "g", 1, "web"), now) // 13 bytes each
	}
	if reason("a") == "" || reason("b") != "" || reason("c") != "" || len(c.devices["b"].failing) != 1 {
		t.Errorf("reasons %q, %q, %q", reason("a"), reason("b"), reason("c"))
	}
	c.apply("a", status(topics.Online, 1, "g", 1, "web"), now)
	if reason("a") == "" {
		t.Error("a device that says the same again has lost its reason")
	}
	c.apply("a", status(topics.Online, 1, "g", 1), now)
	c.apply("b", status(topics.Online, 1, "g", 1, "web"), now)
	if reason("b") == "" {
		t.Error("there is room again, and the reason is left out")
	}
	c.head(store.DeviceHead{Device: "h", DeviceGroup: "g", Reported: now, Failing: []topics.Failure{{App: "web"}}})
	if len(c.devices["h"].failing) != 1 {
		t.Error("a head's failure is left out")
	}
}
