package sqlite

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/manager/store"
)

// A million reports of 1 KB from 10,000 devices in 100 device_groups, 278 in each second of an hour. Every thousandth has changed
// something, the clock of every hundredth device is at 1970, and one group, "late", has reported in the last minute only.
const (
	million      = 1_000_000
	millionStart = 1_700_000_000
)

func millionID(i int) string { return fmt.Sprintf("%08x%016x", millionStart+i/278, i) }

func millionReport(i int, filling string) store.Report {
	device, created, group := i%10_000, millionStart+i/278-1, fmt.Sprint("group-", i%100)
	if device%100 == 99 {
		created = device
	}
	if i > million-278*60 && device%100 == 98 {
		group = "late"
	}
	return store.Report{ID: millionID(i), Doc: fmt.Appendf(nil,
		`{"hostname":"device-%d","device_group":%q,"report_creation_time":%d,"updated":%v,"apps_containers":[%q]}`,
		device, group, created, i%1000 == 999, filling)}
}

// millionQueries are all kinds of filters, those that select nearly all and nearly nothing, at the start and at the end.
func millionQueries() map[string]store.ReportQuery {
	yes, no := true, false
	queries := map[string]store.ReportQuery{}
	for where, who := range map[string]store.ReportQuery{
		"": {}, "hostname": {Hostname: "device-77"}, "group": {DeviceGroup: "group-77"}, "late group": {DeviceGroup: "late"},
		"no group": {DeviceGroup: "none"}, "hostname of another group": {Hostname: "device-77", DeviceGroup: "group-5"},
	} {
		for changed, updated := range map[string]*bool{"": nil, "updated": &yes, "not updated": &no} {
			for when, created := range map[string]store.ReportQuery{
				"": {}, "at one time": {Compare: store.Equal, CreatedAt: millionStart + 2000}, "at no time": {Compare: store.Equal, CreatedAt: 5},
				"not at a time": {Compare: store.NotEqual, CreatedAt: millionStart}, "since a minute": {Compare: store.Greater, CreatedAt: millionStart + 3600 - 60},
				"since ever": {Compare: store.GreaterOrEqual}, "in the future": {Compare: store.Greater, CreatedAt: millionStart + 4000},
				"in 1970": {Compare: store.Less, CreatedAt: 100_000}, "before it all": {Compare: store.Less, CreatedAt: -1},
				"until the middle": {Compare: store.LessOrEqual, CreatedAt: millionStart + 1800},
			} {
				for from, after := range map[string]string{"": "", "from the middle": millionID(million / 2), "from the end": millionID(million - 3)} {
					q := created
					q.Hostname, q.DeviceGroup, q.Updated, q.After = who.Hostname, who.DeviceGroup, updated, after
					queries[strings.Join(strings.Fields(strings.Join([]string{where, changed, when, from}, " ")), "_")] = q
				}
			}
		}
	}
	return queries
}

// BenchmarkReportsMillion fills a store and reads a page of 10 with each of the queries: the metrics are of the slowest and of the
// one in the middle. Then it removes and adds at the same time.
func BenchmarkReportsMillion(b *testing.B) {
	s := mustOpen(b, path(b))
	filling := strings.Repeat("x", 900)
	batch := func(at, size int) (list []store.Report) {
		for i := at; i < at+size; i++ {
			list = append(list, millionReport(i, filling))
		}
		return list
	}
	begin := time.Now()
	for at := 0; at < million; at += 1000 {
		if err := s.Reports().Add(b.Context(), batch(at, 1000)); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%.0f reports are added a second", million/time.Since(begin).Seconds())
	b.Run("page", func(b *testing.B) {
		best := map[string]time.Duration{} // others use the machine too
		for b.Loop() {
			for name, q := range millionQueries() {
				begin := time.Now()
				if _, err := s.Reports().Page(b.Context(), q, 10); err != nil {
					b.Fatal(err)
				}
				if took := time.Since(begin); best[name] == 0 || took < best[name] {
					best[name] = took
				}
			}
		}
		took := slices.Collect(maps.Values(best))
		slices.Sort(took)
		b.ReportMetric(took[len(took)-1].Seconds()*1000, "ms/slowest")
		b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms/median")
	})
	b.Run("expire 500 and add 1", func(b *testing.B) {
		next := million
		for b.Loop() {
			removed := make(chan error, 1)
			go func() {
				_, err := s.Reports().Expire(b.Context(), time.Unix(millionStart+3000, 0), 500)
				removed <- err
			}()
			err := s.Reports().Add(b.Context(), batch(next, 1))
			next++
			if err := errors.Join(err, <-removed); err != nil {
				b.Fatal(err)
			}
		}
	})
}
