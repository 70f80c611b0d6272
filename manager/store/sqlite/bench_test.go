package sqlite

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkAppend appends snapshots of 4 KB from 1, 8 and 64 goroutines at once: with every write in a
// transaction of its own, and with those that wait committed together.
func BenchmarkAppend(b *testing.B) {
	for _, mode := range []struct {
		name  string
		batch int
	}{{"alone", 1}, {"together", maxBatch}} {
		for _, writers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/writers=%d", mode.name, writers), func(b *testing.B) {
				s, err := open(b.Context(), Options{Path: path(b), Log: discard}, mode.batch)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				var next atomic.Int64
				var wg sync.WaitGroup
				b.ResetTimer()
				for w := range writers {
					wg.Go(func() {
						for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
							if err := s.Snapshots().Append(b.Context(), snap(fmt.Sprint("group-", w), n, 4096)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			})
		}
	}
}

// BenchmarkHeads reads the heads of 10,000 groups with ten snapshots each.
func BenchmarkHeads(b *testing.B) {
	s := mustOpen(b, path(b))
	const groups = 10_000
	many(b, groups, func(g int) error {
		for id := range int64(10) {
			if err := s.Snapshots().Append(b.Context(), snap(fmt.Sprintf("group-%05d", g), id+1, 4096)); err != nil {
				return err
			}
		}
		return nil
	})
	for b.Loop() {
		if heads, err := s.Snapshots().Heads(b.Context()); err != nil || len(heads) != groups {
			b.Fatalf("%d heads: %v", len(heads), err)
		}
	}
}
