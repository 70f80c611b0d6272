package snapshot

import (
	"fmt"
	"testing"

	"muster/topics"
)

// touch changes an app as somebody.
func (r *rig) touch(by, app string) {
	r.Helper()
	r.change(app, func(a *topics.App) { a.Privileged = !a.Privileged })
	r.m.Changed(by, "app", app)
}

// A config is by those who have changed something in it since the one before, whoever asked for it to be made.
func TestAuthors(t *testing.T) {
	all := func(r *rig, by string) { _, err := r.m.MakeAll(r.ctx, by); r.must(err) }
	current := func(r *rig, group string) { _, err := r.m.Current(r.ctx, group); r.must(err) }
	for name, tc := range map[string]struct {
		do   func(*rig)
		g, h string // who made the latest config of each group
	}{
		"one":                      {func(r *rig) { r.touch("ann", "in-g"); all(r, "") }, "ann", "start"},
		"of two groups":            {func(r *rig) { r.touch("ann", "in-both"); all(r, "") }, "ann", "ann"},
		"two at once":              {func(r *rig) { r.touch("bob", "in-both"); r.touch("ann", "in-g"); r.touch("bob", "in-g"); all(r, "") }, "bob, ann", "bob"},
		"each a group":             {func(r *rig) { r.touch("ann", "in-g"); r.touch("bob", "in-h"); all(r, "ann, bob") }, "ann", "bob"},
		"one after the other":      {func(r *rig) { r.touch("ann", "in-g"); all(r, ""); r.touch("bob", "in-g"); all(r, "") }, "bob", "start"},
		"seen by somebody else":    {func(r *rig) { r.touch("ann", "in-g"); current(r, "g"); all(r, "bob") }, "ann", "start"},
		"seen before in one group": {func(r *rig) { r.touch("ann", "in-both"); current(r, "g"); r.touch("bob", "in-g"); all(r, "") }, "bob", "ann"},
		"seen only in one group":   {func(r *rig) { r.touch("ann", "in-both"); current(r, "g"); all(r, "") }, "ann", "ann"},
		"a group":                  {func(r *rig) { r.list("g", "job"); r.m.Changed("ann", "device_group", "g"); all(r, "") }, "ann", "start"},
		"a cron_job": {func(r *rig) {
			r.reschedule("nightly", "1 1 * * *")
			r.m.Changed("ann", "cron_job", "nightly")
			all(r, "")
		}, "start", "ann"},
		"a deletion": {func(r *rig) { r.must(r.st.Apps().Delete(r.ctx, "in-g")); r.m.Changed("ann", "app", "in-g"); all(r, "") }, "ann", "start"},
		"another kind of that name": {func(r *rig) {
			r.touch("ann", "in-g")
			r.m.Changed("bob", "user", "in-g")
			r.m.Changed("eve", "app", "g")
			all(r, "")
		}, "ann", "start"},
		"nobody known": {func(r *rig) { r.image("in-g", "2"); all(r, "bob") }, "bob", "start"},
		"nobody":       {func(r *rig) { r.touch("", "in-g"); all(r, "") }, "", "start"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for _, app := range []string{"in-g", "in-h", "in-both"} {
				r.app(app)
			}
			r.cronJob("nightly")
			r.cronJob("job")
			r.group("g", "in-g", "in-both")
			r.group("h", "in-both", "in-h")
			r.list("h", "nightly")
			all(r, "start")
			tc.do(r)
			for group, want := range map[string]string{"g": tc.g, "h": tc.h} {
				if s, ok := r.m.Latest(group); !ok || s.By != want {
					t.Errorf("%s is by %q, want %q", group, s.By, want)
				}
			}
			all(r, "")
			if left := len(r.m.authors.changes); left != 0 {
				t.Errorf("the changes of %d documents are kept for ever", left)
			}
		})
	}
}

// However many take part, a config bears a few names.
func TestManyAuthors(t *testing.T) {
	r := newRig(t)
	r.app("a")
	r.group("g", "a")
	for i := range 20 {
		r.touch(fmt.Sprint("admin", i), "a")
	}
	_, err := r.m.MakeAll(r.ctx, "")
	r.must(err)
	if s, _ := r.m.Latest("g"); s.By != "admin0, admin1, admin2, admin3, admin4, admin5, admin6, admin7" {
		t.Errorf("by %q", s.By)
	}
}

// What is changed while configs are made is for the next ones.
func TestAuthorsOfLaterChangesAreKept(t *testing.T) {
	r := newRig(t)
	r.app("a")
	r.group("g", "a")
	r.m.Changed("ann", "app", "a")
	look := r.m.memory.look(r.time)
	r.m.Changed("bob", "app", "a")
	r.m.authors.forget(look.changes)
	if s, err := r.m.Make(r.ctx, "g", ""); err != nil || s.By != "bob" {
		t.Errorf("by %q, %v", s.By, err)
	}
}
