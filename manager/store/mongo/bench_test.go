package mongo

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"muster/test/rig"
	"muster/topics"
)

func openBench(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.Context(), Options{URL: rig.MongoDB(b), Log: discard})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// BenchmarkAppend appends snapshots of 4 KB from 1, 8 and 64 goroutines at once, each to a group of its own.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := openBench(b)
			var next atomic.Int64
			var all sync.WaitGroup
			b.ResetTimer()
			for w := range writers {
				all.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if err := s.Snapshots().Append(b.Context(), snap(fmt.Sprint("group-", w), n, 4096)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}

// BenchmarkModify changes one of a hundred apps after the other.
func BenchmarkModify(b *testing.B) {
	s := openBench(b)
	const many = 100
	for i := range many {
		if err := s.Apps().Create(b.Context(), topics.NewApp(fmt.Sprint("app-", i), "i")); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; b.Loop(); i++ {
		_, err := s.Apps().Modify(b.Context(), fmt.Sprint("app-", i%many), func(a *topics.App) error { a.AppID++; return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}
