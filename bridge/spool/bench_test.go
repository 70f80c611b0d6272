package spool_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"muster/bridge/spool"
)

// BenchmarkAppend is how many reports of 700 bytes are on the disk per second, from so many publishers who each wait for their
// last one, while a sink reads along.
func BenchmarkAppend(b *testing.B) {
	for _, publishers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(publishers), func(b *testing.B) {
			s, err := spool.Open(spool.Options{Path: b.TempDir() + "/spool", Sinks: []string{"store"}})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			r := report("d1", 1)
			r.Payload = make([]byte, 700)
			go func() {
				for s.Wait(b.Context(), "store") == nil {
					batch, err := s.Read("store", 1000)
					if err != nil || len(batch) == 0 {
						return
					}
					s.Done("store", batch[len(batch)-1].Offset)
				}
			}()
			var mu sync.Mutex
			var took []time.Duration
			var all sync.WaitGroup
			b.ResetTimer()
			for range publishers {
				all.Go(func() {
					var own []time.Duration
					for range b.N/publishers + 1 {
						began := time.Now()
						if err := s.Append(b.Context(), r); err != nil {
							b.Error(err)
						}
						own = append(own, time.Since(began))
					}
					mu.Lock()
					took = append(took, own...)
					mu.Unlock()
				})
			}
			all.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "reports/s")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}
