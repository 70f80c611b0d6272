package mqtt

import (
	"context"
	"strings"
	"testing"

	"muster/bridge"
	"muster/broker/client/network"
)

// Large reports that wait are not offered all at once, because a small spool would never have room for them; none is left behind.
func TestBatchesHaveABound(t *testing.T) {
	const reports = 100
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	taken := 0
	source, err := New(Options{
		Broker: network.Options{URL: "mqtt://127.0.0.1:1"}, Name: "b1", Instance: "b1-1", Agent: "test",
		Take: func(_ context.Context, records ...bridge.Record) error {
			if len(records) > 5 {
				t.Errorf("%d reports of 60 kB are offered at once", len(records))
			}
			for _, r := range records {
				if taken++; r.Seq != int64(taken) {
					t.Errorf("report %d is offered as number %d", r.Seq, taken)
				}
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	for n := range reports {
		r := bridge.Record{Seq: int64(n) + 1, Payload: []byte(strings.Repeat("x", 60_000))}
		source.queue <- item{record: &r, acknowledge: func() {
			if acknowledged++; acknowledged == reports {
				cancel()
			}
		}}
	}
	source.take(ctx)
	if taken != reports || acknowledged != reports {
		t.Errorf("%d are taken and %d acknowledged, of %d", taken, acknowledged, reports)
	}
}
