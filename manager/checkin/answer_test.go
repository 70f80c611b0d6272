package checkin

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

const (
	epoch1 = "01J00000000000000000000001"
	epoch2 = "01J00000000000000000000002"
	epoch3 = "01J00000000000000000000003"
)

func version(epoch string, id int64) topics.Version {
	return topics.Version{Epoch: epoch, ConfigID: id}
}

func snapshotOf(t testing.TB, group string, id int64) store.Snapshot {
	t.Helper()
	content := topics.Content{DeviceGroup: group, DeviceGroupID: 1, PruneID: 1}
	for i := range 5 {
		content.Apps = append(content.Apps, topics.NewApp(fmt.Sprintf("app-%d", i), "registry.example/team/app:<1>"))
	}
	payload, err := topics.EncodeConfig(version(epoch2, id), time.Now(), content)
	if err != nil {
		t.Fatal(err)
	}
	return store.Snapshot{Head: store.Head{DeviceGroup: group, Version: version(epoch2, id)}, Payload: payload}
}

func TestAnswer(t *testing.T) {
	latest := snapshotOf(t, "g", 5)
	request := func(have topics.Version) topics.CheckinRequest {
		return topics.CheckinRequest{RequestID: "r1", DeviceGroup: "g", Have: have}
	}
	unchanged := topics.CheckinReply{RequestID: "r1", Version: latest.Version, Unchanged: true}
	behind := unchanged
	behind.StoreBehind = true
	changed := topics.CheckinReply{RequestID: "r1", Version: latest.Version, Config: latest.Payload}
	refused := func(reason string) topics.CheckinReply {
		return topics.CheckinReply{RequestID: "r1", Error: reason}
	}
	tooLarge := fmt.Errorf("config of device_group %q: %w", "g", &topics.FieldError{Field: "config", Reason: "would be 70000 bytes"})

	tests := []struct {
		name   string
		have   topics.Version
		latest store.Snapshot
		err    error
		want   topics.CheckinReply
	}{
		{"has nothing", topics.Version{}, latest, nil, changed},
		{"has it", version(epoch2, 5), latest, nil, unchanged},
		{"has an older one", version(epoch2, 4), latest, nil, changed},
		{"has one of an older epoch", version(epoch1, 9), latest, nil, changed},
		{"has a newer one", version(epoch2, 6), latest, nil, behind},
		{"has one of a newer epoch", version(epoch3, 1), latest, nil, behind},
		{"no such group", version(epoch2, 5), store.Snapshot{}, fmt.Errorf("get: %w", store.ErrNotFound), refused(`device_group: "g" does not exist`)},
		{"no config yet", topics.Version{}, store.Snapshot{}, tooLarge, refused(`device_group: "g" has no config yet: config: would be 70000 bytes`)},
		{"store out of order", version(epoch2, 5), store.Snapshot{}, errors.New("open /secret/path: EIO"), refused(`device_group: the config of "g" is not known at the moment, ask again`)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Answer(request(test.have), test.latest, test.err)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			payload, err := got.Encode()
			if err != nil {
				t.Fatalf("the reply cannot be encoded: %v", err)
			}
			if parsed, err := topics.ParseCheckinReply(payload); err != nil || cmp.Diff(got, parsed) != "" {
				t.Errorf("reads back as %+v, %v", parsed, err)
			}
		})
	}
}

func TestConfigGoesOutUntouched(t *testing.T) {
	latest := snapshotOf(t, "g", 5)
	payload, err := Answer(topics.CheckinRequest{RequestID: "r1", DeviceGroup: "g"}, latest, nil).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(payload), `,"config":`+string(latest.Payload)+"}") {
		t.Errorf("the config's bytes are not those of the snapshot: %s", payload)
	}
}

func TestAnswerAllocatesNothing(t *testing.T) {
	latest := snapshotOf(t, "g", 5)
	req := topics.CheckinRequest{RequestID: "r1", DeviceGroup: "g", Have: version(epoch2, 4)}
	var reply topics.CheckinReply
	if n := testing.AllocsPerRun(100, func() { reply = Answer(req, latest, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	_ = reply
}

func BenchmarkAnswer(b *testing.B) {
	latest := snapshotOf(b, "g", 5)
	for name, have := range map[string]int64{"unchanged": 5, "config": 4} {
		payload, err := topics.CheckinRequest{
			RequestID: "0123456789abcdef", DeviceGroup: "g", Have: version(epoch2, have), Boot: "b", Seq: 7,
		}.Encode()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req, err := topics.ParseCheckinRequest(payload)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Answer(req, latest, nil).Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
