package mongo

import (
	"errors"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"muster/manager/store"
	"muster/test/rig"
)

// TestDroppedStaysDropped appends what was dropped from the history, and looks for it all the while.
func TestDroppedStaysDropped(t *testing.T) {
	s := open(t, Options{URL: rig.MongoDB(t)})
	for id := int64(1); id <= store.HistoryLimit+1; id++ {
		if err := s.Snapshots().Append(t.Context(), snap("g", id, 10)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			if _, err := s.Snapshots().Get(t.Context(), "g", 1); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the dropped snapshot was seen again: %v", err)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for range 20 {
		if err := s.Snapshots().Append(t.Context(), snap("g", 1, 10)); !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	}
	close(done)
	reader.Wait()
}

// TestOvertaken is the rest of an Append that was overtaken by a hundred others after it had looked.
func TestOvertaken(t *testing.T) {
	url := rig.MongoDB(t)
	s := open(t, Options{URL: url})
	for id := int64(2); id <= store.HistoryLimit+1; id++ {
		if err := s.Snapshots().Append(t.Context(), snap("g", id, 10)); err != nil {
			t.Fatal(err)
		}
	}
	late := snap("g", 1, 10)
	_, err := database(t, url).Collection(snapshotCollection).InsertOne(t.Context(), bson.D{{Key: "device_group", Value: "g"}, {Key: "config_id", Value: int64(1)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := (snapshots{s}).prune(t.Context(), late.Head); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if _, err := s.Snapshots().Get(t.Context(), "g", 1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what was taken back is still there: %v", err)
	}
	if _, err := s.Snapshots().Get(t.Context(), "g", 2); err != nil {
		t.Errorf("the oldest that is kept: %v", err)
	}
}
