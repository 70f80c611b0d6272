package snapshot

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"muster/manager/store"
	"muster/topics"
)

func TestContent(t *testing.T) {
	parts := Parts{
		Apps:     Listed[topics.App]{Docs: map[string]topics.App{"a": topics.NewApp("a", "i"), "b": topics.NewApp("b", "i"), "other": topics.NewApp("other", "i")}},
		CronJobs: Listed[topics.CronJob]{Docs: map[string]topics.CronJob{"a": topics.NewCronJob("a", "* * * * *", "i"), "b": topics.NewCronJob("b", "* * * * *", "i")}},
	}
	for name, test := range map[string]struct {
		apps, jobs         []string
		wantApps, wantJobs []string
	}{
		"order of the group":      {[]string{"b", "a"}, []string{"b", "a"}, []string{"b", "a"}, []string{"b", "a"}},
		"missing ones are no app": {[]string{"gone", "a", "gone too"}, []string{"b", "gone"}, []string{"a"}, []string{"b"}},
		"all missing":             {[]string{"gone"}, []string{"other"}, []string{}, []string{}},
		"none":                    {nil, nil, []string{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Content(store.DeviceGroup{DeviceGroup: "g", DeviceGroupID: 3, PruneID: 4, Apps: test.apps, CronJobs: test.jobs}, parts)
			want := topics.Content{
				DeviceGroup: "g", DeviceGroupID: 3, PruneID: 4,
				Apps: []topics.App{}, AppsList: test.wantApps, CronJobs: []topics.CronJob{}, CronJobsList: test.wantJobs,
			}
			for _, app := range test.wantApps {
				want.Apps = append(want.Apps, parts.Apps.Docs[app])
			}
			for _, job := range test.wantJobs {
				want.CronJobs = append(want.CronJobs, parts.CronJobs.Docs[job])
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(topics.Port{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestContentIsDeterministic has everything that Go keeps in random order in a config.
func TestContentIsDeterministic(t *testing.T) {
	group := store.DeviceGroup{DeviceGroup: "g", DeviceGroupID: 1, PruneID: 1}
	encode := func() []byte {
		apps := map[string]topics.App{}
		for _, name := range group.Apps {
			app := topics.NewApp(name, "i")
			for _, v := range "qwertyuiopasdfghjkl" {
				app.EnvVars[string(v)] = "x"
			}
			apps[name] = app
		}
		s, err := next(store.Head{}, "01ARZ3NDEKTSV4RRFFQ69G5FAV", Content(group, partsOf(apps)), time.UnixMilli(1), "")
		if err != nil {
			t.Fatal(err)
		}
		return s.Payload
	}
	for _, name := range "lkjhgfdsa" {
		group.Apps = append(group.Apps, string(name))
	}
	first := encode()
	for range 50 {
		if again := encode(); !bytes.Equal(first, again) {
			t.Fatalf("the same documents gave\n%s\nand\n%s", first, again)
		}
	}
}

func partsOf(apps map[string]topics.App) Parts { return Parts{Apps: Listed[topics.App]{Docs: apps}} }

func TestNext(t *testing.T) {
	const older, epoch, newer = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ", "01CX5ZZKBKACTAV9WEVGEMMVRZ"
	content := topics.Content{DeviceGroup: "g", DeviceGroupID: 1}
	digest, err := topics.ContentDigest(content)
	if err != nil {
		t.Fatal(err)
	}
	head := func(epoch string, id int64, digest string) store.Head {
		return store.Head{DeviceGroup: "g", Version: topics.Version{Epoch: epoch, ConfigID: id}, SHA256: digest}
	}
	for name, test := range map[string]struct {
		latest store.Head
		want   topics.Version // zero for none
	}{
		"the first":                      {store.Head{}, topics.Version{Epoch: epoch, ConfigID: 1}},
		"the same":                       {head(epoch, 7, digest), topics.Version{}},
		"other content":                  {head(epoch, 7, "other"), topics.Version{Epoch: epoch, ConfigID: 8}},
		"a new epoch":                    {head(older, 7, digest), topics.Version{Epoch: epoch, ConfigID: 8}},
		"others know a newer epoch":      {head(newer, 7, digest), topics.Version{}},
		"newer epoch, and other content": {head(newer, 7, "other"), topics.Version{Epoch: newer, ConfigID: 8}},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2024, 1, 2, 3, 4, 5, 678_999_999, time.FixedZone("", 3600))
			got, err := next(test.latest, epoch, content, now, "me")
			if err != nil {
				t.Fatal(err)
			}
			if test.want.IsZero() {
				if got != nil {
					t.Errorf("got %v, want none", got.Version)
				}
				return
			}
			want := store.Head{DeviceGroup: "g", Version: test.want, SHA256: digest,
				At: time.Date(2024, 1, 2, 2, 4, 5, 678_000_000, time.UTC), By: "me"}
			if diff := cmp.Diff(want, got.Head); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFits(t *testing.T) {
	group := store.DeviceGroup{DeviceGroup: "g", DeviceGroupID: 1, PruneID: 1, Apps: []string{"a"}}
	app := topics.NewApp("a", "i")
	with := func(padding int) Parts {
		app := app
		app.EnvVars = topics.EnvVars{"X": strings.Repeat("x", padding)}
		return partsOf(map[string]topics.App{"a": app})
	}
	largest := 0
	for low, high := 0, topics.MaxConfig; low <= high; {
		middle := (low + high) / 2
		if Fits(group, with(middle)) == nil {
			largest, low = middle, middle+1
		} else {
			high = middle - 1
		}
	}
	var field *topics.FieldError
	if err := Fits(group, with(largest+1)); !errors.As(err, &field) || field.Field != "config" {
		t.Errorf("one byte too many: got %v, want a FieldError of config", err)
	}
	// Whatever fits can be made, also when ids have grown.
	group.DeviceGroupID, group.PruneID = 123456, 1234
	version := topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: 1234567}
	payload, err := topics.EncodeConfig(version, time.Now(), Content(group, with(largest)))
	if err != nil {
		t.Errorf("it fitted and cannot be made: %v", err)
	}
	if len(payload) < topics.MaxConfig-50 {
		t.Errorf("the largest that fits has only %d bytes", len(payload))
	}
	app.DockerImage = ""
	if err := Fits(group, with(1)); !errors.As(err, &field) || field.Field != "apps[0].docker_image" {
		t.Errorf("an invalid app: got %v, want a FieldError that names it", err)
	}
}
