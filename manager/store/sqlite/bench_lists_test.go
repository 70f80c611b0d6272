package sqlite

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"muster/manager/store"
	"muster/topics"
)

// many calls put for 0 to n-1 from as many goroutines as share commits well.
func many(b *testing.B, n int, put func(i int) error) {
	b.Helper()
	const writers = 64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				if err := put(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkLists reads 10,000 apps and device_groups: their names, all of them, and 50 and 1,000 by name.
func BenchmarkLists(b *testing.B) {
	s := mustOpen(b, path(b))
	benchmarkLists(b, s.Apps(), func(name string) topics.App {
		app := topics.NewApp(name, "registry.example.org:5000/team/service:1.2.3")
		app.EnvVars = topics.EnvVars{"LOG_LEVEL": "info", "DATABASE_URL": "postgres://user:secret@db/x", "REGION": "eu"}
		app.StartingPorts = topics.Ports{{Host: 8080, Container: 80}}
		return app
	})
	benchmarkLists(b, s.DeviceGroups(), func(name string) store.DeviceGroup {
		return store.DeviceGroup{DeviceGroup: name, DeviceGroupID: 1, PruneID: 1, Apps: []string{"a", "b", "c", "d", "e"}, CronJobs: []string{"x"}}
	})
}

func benchmarkLists[T any](b *testing.B, docs store.Documents[T], make func(name string) T) {
	const n = 10_000
	name := func(i int) string { return fmt.Sprintf("object-%05d", i) }
	many(b, n, func(i int) error { return docs.Create(b.Context(), make(name(i))) })
	run := func(what string, want int, read func() (int, error)) {
		b.Run(fmt.Sprintf("%T/%s", *new(T), what), func(b *testing.B) {
			for b.Loop() {
				if got, err := read(); err != nil || got != want {
					b.Fatalf("got %d, %v, want %d", got, err, want)
				}
			}
		})
	}
	run("names", n, func() (int, error) { names, err := docs.Names(b.Context()); return len(names), err })
	run("all", n, func() (int, error) { all, err := docs.All(b.Context()); return len(all), err })
	for _, count := range []int{50, 1000} {
		var names []string
		for i := range count {
			names = append(names, name(i*n/count))
		}
		run(fmt.Sprint("some=", count), count, func() (int, error) { some, err := docs.Some(b.Context(), names); return len(some), err })
	}
}

// BenchmarkAuditPage reads pages of 50 of a trail of 100,000 entries, with every kind of filter; those that
// select next to nothing are the ones that may have to look at everything.
func BenchmarkAuditPage(b *testing.B) {
	s := mustOpen(b, path(b))
	id := func(i int) string { return fmt.Sprintf("01HZZZZZZZZZZZZZZZZZ%06d", i) }
	doc := fmt.Appendf(nil, `{"app_id":1,"docker_image":%q}`, strings.Repeat("x", 300))
	many(b, store.AuditLimit, func(i int) error {
		e := store.AuditEntry{ID: id(i), By: "ci", RequestID: "r", Action: "update", Kind: "app", Name: fmt.Sprint("app-", i%1000), Before: doc, After: doc}
		switch i % 1000 {
		case 0:
			e.By = "ada"
		case 1:
			e.Kind, e.Name = "user", "bob"
		}
		return s.Audit().Append(b.Context(), e)
	})
	for _, q := range []struct {
		name string
		store.AuditQuery
		want int
	}{
		{"all", store.AuditQuery{}, 50},
		{"before", store.AuditQuery{Before: id(store.AuditLimit / 2)}, 50},
		{"by most", store.AuditQuery{By: "ci"}, 50},
		{"by few", store.AuditQuery{By: "ada"}, 50},
		{"kind of most", store.AuditQuery{Kind: "app"}, 50},
		{"kind of few", store.AuditQuery{Kind: "user"}, 50},
		{"name", store.AuditQuery{Name: "app-77"}, 50},
		{"kind and name", store.AuditQuery{Kind: "app", Name: "app-77"}, 50},
		{"kind and name before", store.AuditQuery{Before: id(store.AuditLimit / 2), Kind: "app", Name: "app-77"}, 50},
		{"by and kind", store.AuditQuery{By: "ci", Kind: "user"}, 50},
		{"by and kind, none", store.AuditQuery{By: "ada", Kind: "user"}, 0},
		{"by and name, none", store.AuditQuery{By: "ada", Name: "bob"}, 0},
		{"by, kind and name, none", store.AuditQuery{By: "ada", Kind: "app", Name: "app-77"}, 0},
		{"nobody", store.AuditQuery{By: "nobody"}, 0},
		{"no such name", store.AuditQuery{Name: "none"}, 0},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if page, err := s.Audit().Page(b.Context(), q.AuditQuery, 50); err != nil || len(page) != q.want {
					b.Fatalf("%d entries: %v", len(page), err)
				}
			}
		})
	}
	b.Run("append", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if err := s.Audit().Append(b.Context(), store.AuditEntry{ID: id(store.AuditLimit + i), Before: doc, After: doc}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkReportsPage reads pages of 10 of 100,000 reports of 5 KB from 10,000 devices, with every kind of filter.
func BenchmarkReportsPage(b *testing.B) {
	s := mustOpen(b, path(b))
	const n, devices, start = 100_000, 10_000, 1_700_000_000
	id := func(i int) string { return fmt.Sprintf("%08x%016x", start+i/30, i) }
	many(b, n/100, func(batch int) error {
		var list []store.Report
		for i := batch * 100; i < (batch+1)*100; i++ {
			list = append(list, store.Report{ID: id(i), Doc: fmt.Appendf(nil,
				`{"hostname":"device-%d","device_group":"group-%d","report_creation_time":%d,"updated":%v,"apps_containers":[%q]}`,
				i%devices, i%devices/100, start+i/30, i%1000 == 999, strings.Repeat("x", 5000))})
		}
		return s.Reports().Add(b.Context(), list)
	})
	yes, no := true, false
	for _, q := range []struct {
		name string
		store.ReportQuery
		want int
	}{
		{"all", store.ReportQuery{}, 10},
		{"after", store.ReportQuery{After: id(n / 2)}, 10},
		{"hostname", store.ReportQuery{Hostname: "device-77"}, 10},
		{"device_group", store.ReportQuery{DeviceGroup: "group-77"}, 10},
		{"hostname and device_group", store.ReportQuery{Hostname: "device-77", DeviceGroup: "group-0"}, 10},
		{"hostname and device_group, none", store.ReportQuery{Hostname: "device-77", DeviceGroup: "group-1"}, 0},
		{"updated", store.ReportQuery{Updated: &yes}, 10},
		{"not updated", store.ReportQuery{Updated: &no}, 10},
		{"device_group and updated, none", store.ReportQuery{DeviceGroup: "group-1", Updated: &yes}, 0},
		{"latest", store.ReportQuery{Compare: store.GreaterOrEqual, CreatedAt: start + n/30 - 1}, 10},
		{"latest and updated", store.ReportQuery{Updated: &yes, Compare: store.GreaterOrEqual, CreatedAt: start + n/30 - 100}, 4},
		{"at no time", store.ReportQuery{Compare: store.Equal, CreatedAt: start - 1}, 0},
		{"no such hostname", store.ReportQuery{Hostname: "none"}, 0},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if page, err := s.Reports().Page(b.Context(), q.ReportQuery, 10); err != nil || len(page) != q.want {
					b.Fatalf("%d reports: %v", len(page), err)
				}
			}
		})
	}
}
