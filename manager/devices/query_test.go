package devices

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// A page after another has what comes next, whatever the size, and counts are of all that is selected: with more devices than are
// looked at at once.
func TestPages(t *testing.T) {
	const all = 2*lookAtOnce + 10
	f := New(nil, nil, wishes{"g0": {Epoch: epoch1, ConfigID: 2}}, Options{})
	var want []string
	var counts fleet.Counts
	for i := range all {
		name, group := fmt.Sprintf("d%06d", i), fmt.Sprintf("g%d", i%3)
		state := []string{topics.Online, topics.Offline}[i%2]
		f.census.apply(name, status(state, 1, group, int64(i%4)), now)
		if i%3 != 0 || i%2 != 0 {
			continue
		}
		want = append(want, name)
		one := fleet.Counts{Devices: 1, Online: 1, Behind: 1}
		if i%4 == 2 {
			one.Current, one.Behind = 1, 0
		}
		counts.Add(one)
	}
	yes := true
	for _, count := range []bool{false, true} {
		var got []string
		for after := ""; ; {
			page := f.List(Query{May: func(group string) bool { return group == "g0" }, Online: &yes}, after, 100, count)
			for _, d := range page.Devices {
				got = append(got, d.Device)
			}
			if count != (page.Counts != nil) || count && *page.Counts != counts {
				t.Fatalf("counts %+v, want %+v", page.Counts, counts)
			}
			if page.Next == nil {
				break
			}
			after = *page.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("with counts %v: %d devices are listed, want %d", count, len(got), len(want))
		}
	}
	no := false
	if page := f.List(Query{Failing: &no}, "", 1, true); page.Counts.Devices != all {
		t.Errorf("%d devices are counted one by one, want %d", page.Counts.Devices, all)
	}
	whole := f.List(Query{}, "", 1, true)
	if one := f.Counts(); *whole.Counts != one || one.Devices != all || one.Online+one.Offline != all {
		t.Errorf("counts of all: %+v and %+v", *whole.Counts, one)
	}
	if page := f.List(Query{}, fmt.Sprintf("d%06d", all-2), 1, false); len(page.Devices) != 1 || page.Next != nil {
		t.Errorf("the last page: %+v", page)
	}
}

// Each filter selects what it says, on its own and with others.
func TestFilters(t *testing.T) {
	f := New(nil, nil, wishes{"a": {Epoch: epoch1, ConfigID: 3}}, Options{})
	c := f.census
	c.apply("at-it", func() topics.Status {
		s := status(topics.Online, 1, "a", 2)
		s.Phase = topics.PhaseUpdating
		return s
	}(), now)
	settled := status(topics.Online, 1, "a", 3, "web")
	settled.Phase = topics.PhaseSettled
	c.apply("failing", settled, now)
	settled.Failing = []topics.Failure{{CronJob: "night"}}
	c.apply("cron", settled, now)
	behind := status(topics.Offline, 1, "a", 2)
	behind.Phase = topics.PhaseSettled
	c.apply("lost", behind, now)
	ahead := status(topics.Online, 1, "a", 4)
	ahead.Phase = topics.PhaseSettled
	c.apply("ahead", ahead, now)
	c.apply("groupless", status(topics.Online, 1, "b", 1), now)
	c.head(store.DeviceHead{Device: "cron", Labels: map[string]string{"site": "berlin", "canary": ""}})

	yes, no, berlin, paris, empty := true, false, "berlin", "paris", ""
	for name, tc := range map[string]struct {
		query Query
		want  []string
	}{
		"all":            {Query{}, []string{"ahead", "at-it", "cron", "failing", "groupless", "lost"}},
		"group":          {Query{Group: "b"}, []string{"groupless"}},
		"online":         {Query{Online: &yes, Group: "a"}, []string{"ahead", "at-it", "cron", "failing"}},
		"offline":        {Query{Online: &no}, []string{"lost"}},
		"behind":         {Query{Behind: &yes}, []string{"ahead", "at-it", "lost"}},
		"not behind":     {Query{Behind: &no}, []string{"cron", "failing", "groupless"}},
		"updating":       {Query{Phase: topics.PhaseUpdating}, []string{"at-it"}},
		"phase behind":   {Query{Phase: fleet.PhaseBehind}, []string{"lost"}},
		"settled":        {Query{Phase: topics.PhaseSettled}, []string{"ahead", "cron", "failing"}},
		"failing":        {Query{Failing: &yes}, []string{"cron", "failing"}},
		"not failing":    {Query{Failing: &no, Group: "a"}, []string{"ahead", "at-it", "lost"}},
		"failing app":    {Query{FailingApp: "web"}, []string{"failing"}},
		"label":          {Query{Labels: []LabelQuery{{"site", nil}}}, []string{"cron"}},
		"value":          {Query{Labels: []LabelQuery{{"site", &berlin}, {"canary", &empty}}}, []string{"cron"}},
		"other value":    {Query{Labels: []LabelQuery{{"site", &paris}}}, nil},
		"label missing":  {Query{Labels: []LabelQuery{{"site", nil}, {"floor", nil}}}, nil},
		"rights":         {Query{May: func(group string) bool { return group == "b" }}, []string{"groupless"}},
		"rights, group":  {Query{Group: "a", May: func(group string) bool { return group == "b" }}, nil},
		"several":        {Query{Group: "a", Online: &yes, Behind: &yes, Phase: topics.PhaseUpdating}, []string{"at-it"}},
		"unknown group":  {Query{Group: "c"}, nil},
		"unknown phase":  {Query{Phase: "dancing"}, nil},
		"empty is fails": {Query{FailingApp: "night"}, nil},
	} {
		page := f.List(tc.query, "", 10, true)
		var got []string
		for _, d := range page.Devices {
			got = append(got, d.Device)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || page.Counts.Devices != int64(len(tc.want)) {
			t.Errorf("%s (-want +got):\n%s\ncounts %+v", name, diff, page.Counts)
		}
	}
}
