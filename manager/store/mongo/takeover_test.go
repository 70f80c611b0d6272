package mongo

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"muster/manager/store"
	"muster/topics"
)

// check compares what was read, as JSON.
func check[T any](n *nebula, what, want string) func(T, error) {
	return func(got T, err error) {
		n.Helper()
		data, failed := json.Marshal(got)
		n.must(failed)
		if err != nil || string(data) != strings.Join(strings.Fields(want), "") {
			n.Errorf("%s: got %s, %v, want %s", what, data, err, want)
		}
	}
}

// TestTakeOverReads reads what Nebula wrote, and leaves every byte of it as it was.
func TestTakeOverReads(t *testing.T) {
	n := newNebula(t)
	before := n.all()
	s, ctx := n.open(), t.Context()
	check[topics.App](n, "web", `{"app_id":7,"app_name":"web","docker_image":"nginx:1","starting_ports":[80,{"81":"8081"},{"82":"82"}],
		"containers_per":{"server":2},"env_vars":{"A":"1","HUGE":"1e+16","N":"5","OFF":"False","ON":"True","TINY":"2e-05","WHOLE":"2.0"},"running":true,"networks":["nebula","bridge"],"volumes":[],"devices":["/dev/ttyUSB0"],
		"privileged":false,"rolling_restart":false}`)(s.Apps().Get(ctx, "web"))
	check[topics.App](n, "old.app", `{"app_id":3,"app_name":"old.app","docker_image":"old:1","starting_ports":[8080,{"81":"81"},{"92":"80"},{"93":"443"}],
		"containers_per":{"cpu":0.5},"env_vars":[],"running":false,"networks":["nebula"],"volumes":[],"devices":[],
		"privileged":false,"rolling_restart":false}`)(s.Apps().Get(ctx, "old.app"))

	bare, err := json.Marshal(topics.NewApp("bare", "bare:1"))
	n.must(err)
	check[topics.App](n, "bare", string(bare))(s.Apps().Get(ctx, "bare"))
	cliApp := topics.NewApp("cli", "cli:1")
	cliApp.Networks = nil
	cli, err := json.Marshal(cliApp)
	n.must(err)
	check[topics.App](n, "cli", string(cli))(s.Apps().Get(ctx, "cli"))
	check[store.DeviceGroup](n, "no-cron", `{"device_group":"no-cron","device_group_id":1,"prune_id":1,"apps":[],"cron_jobs":[]}`)(s.DeviceGroups().Get(ctx, "no-cron"))
	check[store.DeviceGroup](n, "shops", `{"device_group":"shops","device_group_id":4,"prune_id":2,"apps":["web","old.app"],"cron_jobs":["clean"]}`)(s.DeviceGroups().Get(ctx, "shops"))
	for _, name := range []string{"text", "bytes"} {
		check[store.User](n, name, `{"user_name":"`+name+`","password":"`+bcryptHash+`","token":"`+bcryptHash+`"}`)(s.Users().Get(ctx, name))
	}
	check[store.UserGroup](n, "user_group", `{"user_group":"shops","group_members":["text"],"pruning_allowed":true,"apps":{"web":"rw"},
		"device_groups":{"shops":"ro"},"cron_jobs":{},"admin":false}`)(s.UserGroups().Get(ctx, "shops"))
	check[[]string](n, "names", `["bare","broken","cli","old.app","web"]`)(s.Apps().Names(ctx))
	check[[]string](n, "cron_jobs", `["clean"]`)(s.CronJobs().Names(ctx))
	all, err := s.Apps().All(ctx)
	if unreadable, ok := errors.AsType[*store.UnreadableError](err); !ok || unreadable.Docs["broken"] == nil || len(all)+len(unreadable.Docs) != 5 {
		t.Errorf("all: got %d apps and %v, want an error about the broken one alone", len(all), err)
	}
	n.checkReports(s)
	if diff := cmp.Diff(before, n.all()); diff != "" {
		t.Errorf("reading has changed documents (-before +after):\n%s", diff)
	}
}

// checkReports reads the reports, whose time is a number in two of them and a date in one.
func (n *nebula) checkReports(s *Store) {
	n.Helper()
	for q, want := range map[store.ReportQuery]string{
		{}: "123", {Hostname: "a"}: "12", {Compare: store.Equal, CreatedAt: 1_700_000_010}: "2", {Compare: store.Equal, CreatedAt: 1_700_000_020}: "3",
		{Compare: store.NotEqual, CreatedAt: 1_700_000_010}: "13", {Compare: store.Greater, CreatedAt: 1_700_000_000}: "23",
		{Compare: store.Greater, CreatedAt: 1_700_000_010}: "3", {Compare: store.GreaterOrEqual, CreatedAt: 1_700_000_010}: "23",
		{Compare: store.Less, CreatedAt: 1_700_000_010}: "1", {Compare: store.LessOrEqual, CreatedAt: 1_700_000_010}: "12",
	} {
		page, err := s.Reports().Page(n.Context(), q, 10)
		n.must(err)
		got := ""
		for _, report := range page {
			got += report.ID[23:]
		}
		if got != want {
			n.Errorf("%+v: got reports %s, want %s", q, got, want)
		}
		for _, report := range page {
			if doc := string(report.Doc); report.ID[23:] == "2" && !strings.Contains(doc, `"report_creation_time":1700000010,`) {
				n.Errorf("a date is not answered as seconds: %s", doc)
			}
		}
	}
}

// TestTakeOverChanges changes documents of Nebula's: only what was changed differs afterwards.
func TestTakeOverChanges(t *testing.T) {
	n := newNebula(t)
	s, ctx := n.open(), t.Context()
	before := n.all()
	_, err := s.Apps().Modify(ctx, "web", func(a *topics.App) error { a.AppID++; a.DockerImage = "nginx:2"; return nil })
	n.must(err)
	_, err = s.DeviceGroups().Modify(ctx, "no-cron", func(g *store.DeviceGroup) error { g.CronJobs = []string{"clean"}; return nil })
	n.must(err)
	_, err = s.Users().Modify(ctx, "text", func(u *store.User) error { u.TokenSelector = "abc"; return nil })
	n.must(err)
	_, err = s.Users().Modify(ctx, "text", func(u *store.User) error { u.TokenSelector, u.Password = "", "new"; return nil })
	n.must(err)
	changes := map[string]bson.D{
		"nebula_apps 1":          {{Key: "app_id", Value: int64(8)}, {Key: "docker_image", Value: "nginx:2"}},
		"nebula_device_groups 2": {{Key: "cron_jobs", Value: bson.A{"clean"}}},
		"nebula_users 1":         {{Key: "password", Value: bson.Binary{Data: []byte("new")}}},
	}
	after := n.all()
	if len(after) != len(before) {
		t.Errorf("there are %d documents, there were %d", len(after), len(before))
	}
	for key, was := range before {
		collection, _, _ := strings.Cut(key, " ")
		id, _ := was.Lookup("_id").ObjectIDOK()
		var want bson.D
		n.must(bson.Unmarshal(was, &want))
		for _, field := range changes[collection+" "+id.Hex()[23:]] {
			want = withField(want, field)
		}
		wanted, err := bson.Marshal(want)
		n.must(err)
		if diff := cmp.Diff(bson.Raw(wanted).String(), after[key].String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

func withField(doc bson.D, field bson.E) bson.D {
	for i := range doc {
		if doc[i].Key == field.Key {
			doc[i] = field
			return doc
		}
	}
	return append(doc, field)
}

// TestNebulaBeside has Nebula change a document while Muster changes it: a field that Muster does not touch, and
// one that was not there.
func TestNebulaBeside(t *testing.T) {
	for app, what := range map[string]string{"web": "a field that was there", "bare": "a field that was not"} {
		t.Run(what, func(t *testing.T) {
			n := newNebula(t)
			s, ctx := n.open(), t.Context()
			tries := 0
			update := bson.D{{Key: "$inc", Value: bson.D{{Key: "app_id", Value: 20}}}}
			before, err := s.Apps().Get(ctx, app)
			n.must(err)
			got, err := s.Apps().Modify(ctx, app, func(a *topics.App) error {
				if tries++; tries == 1 {
					_, err := n.db.Collection("nebula_apps").UpdateOne(ctx, bson.D{{Key: "app_name", Value: app}}, update)
					n.must(err)
				}
				a.AppID++
				a.EnvVars = topics.EnvVars{"B": "1"}
				return nil
			})
			now, failed := s.Apps().Get(ctx, app)
			n.must(failed)
			if err != nil || tries != 2 || got.AppID < before.AppID+10 || now.AppID != got.AppID || now.EnvVars["B"] != "1" {
				t.Errorf("got %+v after %d tries, %v, in the database %+v, want both changes", got, tries, err, now)
			}
		})
	}
}

// TestTakeOverIndexes finds Nebula's indexes as they were and the others made, once.
func TestTakeOverIndexes(t *testing.T) {
	n := newNebula(t)
	n.open()
	n.open()
	for collection, want := range map[string]int{
		"nebula_apps": 2, "nebula_device_groups": 2, "nebula_users": 2, "nebula_user_groups": 2, "nebula_cron_jobs": 2,
		"muster_snapshots": 2, "muster_audit": 3, "nebula_reports": 4, "muster_devices": 2,
	} {
		specs, err := n.db.Collection(collection).Indexes().ListSpecifications(t.Context())
		n.must(err)
		if len(specs) != want {
			t.Errorf("%s has %d indexes, want %d: %v", collection, len(specs), want, specs)
		}
	}
	// A second document of a name is refused whoever writes it.
	if _, err := n.db.Collection("nebula_cron_jobs").InsertOne(t.Context(), bson.D{{Key: "cron_job_name", Value: "clean"}}); err == nil {
		t.Error("two cron_jobs have the same name")
	}
}

// TestTwoOfAName is a database without the indexes, in which a name has come to be there twice.
func TestTwoOfAName(t *testing.T) {
	n := newNebula(t)
	n.must(n.db.Collection("nebula_users").Indexes().DropOne(t.Context(), "user_name_index"))
	n.put("nebula_users", `{"user_name": "text", "password": "", "token": ""}`)
	_, err := Open(t.Context(), Options{URL: n.url, Log: discard})
	if err == nil || !strings.Contains(err.Error(), "if two documents there have the same user_name, remove one of them") {
		t.Errorf("got %v", err)
	}
}
