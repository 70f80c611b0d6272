package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/bridge"
	"muster/bridge/storage"
)

// BenchmarkWrite writes batches of 1,000 reports of 2 KB from 10,000 devices: their reports and their rows, which are new in the
// first ten.
func BenchmarkWrite(b *testing.B) {
	sink := storage.New(storage.Options{Store: openStore(b), Spool: "one"})
	filling := strings.Repeat("x", 1700)
	offset := uint64(0)
	began := time.Now()
	for b.Loop() {
		var batch []bridge.Record
		for range 1000 {
			offset++
			batch = append(batch, record(offset, fmt.Sprint("device-", offset%10_000), fmt.Sprintf(
				`{"device_group":"g","boot":"b","seq":%d,"epoch":"01ARZ3NDEKTSV4RRFFQ69G5FAV","config_id":7,"phase":"settled","failing":[],"apps":[{"app":"web"}],"report_creation_time":%d,"updated":false,"x":%q}`,
				offset/10_000+1, received.Unix()+int64(offset/5000), filling)))
		}
		if err := sink.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(offset)/time.Since(began).Seconds(), "reports/s")
}
