package snapshot

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"muster/manager/store"
)

// tamper writes to the store as another program might.
func (r *rig) tamper(query string, args ...any) {
	r.Helper()
	db, err := sql.Open("sqlite", r.path)
	r.must(err)
	_, err = db.ExecContext(r.ctx, query, args...)
	r.must(errors.Join(err, db.Close()))
}

// TestUnreadable has another program spoil a document: the groups that it is about keep their last config,
// also of a manager that starts now, and the others go on.
func TestUnreadable(t *testing.T) {
	for kind, test := range map[string]struct {
		table, name string
		affected    string
		want        string
	}{
		"app":      {"apps", "bad", "g", `app "bad" cannot be read`},
		"cron_job": {"cron_jobs", "bad", "g", `cron_job "bad" cannot be read`},
		"group":    {"device_groups", "g", "g", `device_group "g" cannot be read`},
	} {
		t.Run(kind, func(t *testing.T) {
			r := newRig(t)
			r.app("bad")
			r.cronJob("bad")
			r.app("good")
			r.group("g", "bad", "good")
			r.list("g", "bad")
			r.group("other", "good")
			_, err := r.m.MakeAll(r.ctx, "")
			r.must(err)

			var doc string
			r.query(`SELECT doc FROM `+test.table+` WHERE name = ?`, test.name, &doc)
			r.tamper(`UPDATE `+test.table+` SET doc = '{"running": "perhaps", "apps": 7}' WHERE name = ?`, test.name)
			for i, m := range []*Maker{r.m, r.maker(r.st), r.m} {
				r.image("good", strings.Repeat("x", i+1))
				made, err := m.MakeAll(r.ctx, "")
				if names := namesOf(made); !slices.Equal(names, []string{"other"}) {
					t.Errorf("made configs of %q, want other alone", names)
				}
				r.wantUnreadable(err, `config of device_group "g": `+test.want)
				if s, ok := m.Latest("g"); !ok || s.ConfigID != 1 {
					t.Errorf("latest of g: %+v, %v, want the last one", s.Head, ok)
				}
				if !slices.Contains(m.Groups(), "g") {
					t.Errorf("the groups are %q", m.Groups())
				}
				m.Changed("", "", "")
				_, err = m.Current(r.ctx, "g")
				r.wantUnreadable(err, test.want)
			}

			r.tamper(`UPDATE `+test.table+` SET doc = ? WHERE name = ?`, doc, test.name)
			made, err := r.m.MakeAll(r.ctx, "")
			r.must(err)
			if names := namesOf(made); !slices.Equal(names, []string{"g"}) {
				t.Errorf("after the repair made configs of %q, want g", names)
			}
			s, ok := r.m.Latest("g")
			if c := r.made(s, 2); !ok || len(c.Apps) != 2 || len(c.CronJobs) != 1 || c.Apps[1].DockerImage != "xxx" {
				t.Errorf("after the repair: %+v", c)
			}
		})
	}
}

// TestUnreadableAndNeverMade has a group that makes no sense from the start.
func TestUnreadableAndNeverMade(t *testing.T) {
	r := newRig(t)
	r.tamper(`INSERT INTO device_groups (name, doc) VALUES ('g', '{"apps": 7}')`)
	_, err := r.m.MakeAll(r.ctx, "")
	r.wantUnreadable(err, `device_group "g" cannot be read`)
	if s, ok := r.m.Latest("g"); ok {
		t.Errorf("latest: %+v, want none", s.Head)
	}
}

// TestUnreadableBoth names everything that is wrong in one line.
func TestUnreadableBoth(t *testing.T) {
	r := newRig(t)
	r.group("g", "a")
	r.list("g", "c")
	r.tamper(`INSERT INTO apps (name, doc) VALUES ('a', '[]'), ('not listed', '[]')`)
	r.tamper(`INSERT INTO cron_jobs (name, doc) VALUES ('c', '[]')`)
	_, err := r.m.Make(r.ctx, "g", "")
	r.wantUnreadable(err, `app "a" cannot be read`)
	r.wantUnreadable(err, `; cron_job "c" cannot be read`)
	if strings.Contains(err.Error(), "not listed") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q", err)
	}
}

func (r *rig) query(query, arg string, into *string) {
	r.Helper()
	db, err := sql.Open("sqlite", r.path)
	r.must(err)
	r.must(errors.Join(db.QueryRowContext(r.ctx, query, arg).Scan(into), db.Close()))
}

func (r *rig) wantUnreadable(err error, want string) {
	r.Helper()
	if _, ok := errors.AsType[*store.UnreadableError](err); !ok || !strings.Contains(err.Error(), want) {
		r.Errorf("got %v, want an UnreadableError with %q", err, want)
	}
}

func namesOf(heads []store.Head) []string {
	names := make([]string, len(heads))
	for i, h := range heads {
		names[i] = h.DeviceGroup
	}
	return names
}
