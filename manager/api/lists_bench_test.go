package api_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"muster/manager/store"
	"muster/topics"
)

// BenchmarkLists asks for lists, or for the first page of them, when there is a lot to list.
func BenchmarkLists(b *testing.B) {
	m := newManager(b)
	const group = "fleet"
	app := topics.NewApp("web", "nginx:1")
	shown, err := json.Marshal(app)
	if err != nil {
		b.Fatal(err)
	}
	fillAll(b, 10_000, func(i int) error {
		return m.store.Apps().Create(b.Context(), topics.NewApp(fmt.Sprintf("app-%05d", i), "nginx:1"))
	})
	fillAll(b, 100_000, func(i int) error {
		return m.store.Audit().Append(b.Context(), store.AuditEntry{
			ID: ulid.MustNew(1_700_000_000_000+uint64(i), nil).String(), At: time.UnixMilli(1_700_000_000_000 + int64(i)),
			By: "root", RequestID: "r", Action: "update", Kind: "app", Name: fmt.Sprintf("app-%05d", i%10_000),
			Changed: []string{"app_id", "docker_image"}, Before: shown, After: shown,
		})
	})
	fillAll(b, 1000, func(i int) error {
		reports := make([]store.Report, 100)
		for j := range reports {
			n := 100*i + j
			reports[j] = store.Report{ID: fmt.Sprintf("%024x", n+1), Doc: fmt.Appendf(nil,
				`{"hostname": "h-%05d", "device_group": "g-%03d", "report_creation_time": %d, "updated": %t, "apps_containers": [{"name": %q}]}`,
				n%10_000, n%100, 1_700_000_000+n, n%10 == 0, strings.Repeat("x", 500))}
		}
		return m.store.Reports().Add(b.Context(), reports)
	})
	m.published(group, store.HistoryLimit)
	m.handler = m.bare

	for _, path := range []string{
		"/apps", "/audit", "/audit?name=app-00007&kind=app", "/device_groups/" + group + "/configs",
		"/device_groups/" + group + "/configs?page_size=100", "/reports", "/reports?hostname=h-00007",
		"/reports?device_group=g-007&updated=True", "/reports?report_creation_time=1700099990&report_creation_time_filter=gt",
	} {
		b.Run(path, func(b *testing.B) {
			var w *httptest.ResponseRecorder
			for b.Loop() {
				if w = m.do("GET", path, ""); w.Code != 200 {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(w.Body.Len()), "B/answer")
		})
	}
}

// fillAll calls add for every number below n, many at a time: the store commits them together.
func fillAll(b *testing.B, n int, add func(int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 128 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if err := add(int(i - 1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}
