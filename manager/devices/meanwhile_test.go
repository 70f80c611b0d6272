package devices

import (
	"context"
	"slices"
	"testing"
	"time"

	"muster/manager/fleet"
	"muster/manager/store"
)

// A slowStore gives what it has read only when what a test has to do meanwhile is done.
type slowStore struct {
	store.Devices
	meanwhile func()
}

func (s *slowStore) ChangedSince(ctx context.Context, since time.Time, after string, limit int) ([]store.DeviceHead, error) {
	heads, err := s.Devices.ChangedSince(ctx, since, after, limit)
	s.meanwhile()
	return heads, err
}

// What an admin changes while a page of the store is read is not taken back by that page.
func TestChangesWhileThePageIsRead(t *testing.T) {
	s := newSite(t)
	s.report("deleted", 1, 1)
	s.report("labelled", 1, 1)
	slow := &slowStore{Devices: s.store.Devices()}
	f := New(s.dial("m1"), slow, wishes{}, Options{Log: discard})
	if _, err := f.heads.load(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	slow.meanwhile = func() {
		if _, _, err := f.Annotate(t.Context(), "labelled", func(a *fleet.Annotations) error {
			a.Labels["site"] = "north"
			return nil
		}); err != nil {
			t.Error(err)
		}
		s.await("the deletion", func() bool {
			_, err := f.Delete(t.Context(), "deleted")
			return err == nil
		})
	}
	if _, err := f.heads.update(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range f.List(Query{}, "", 10, false).Devices {
		got = append(got, d.Device+" "+d.Labels["site"])
	}
	if !slices.Equal(got, []string{"labelled north"}) {
		t.Errorf("listed are %q", got)
	}
}
