package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	dto "github.com/prometheus/client_model/go"

	"muster/topics"
)

// A dashboard is what Grafana reads, as far as it matters here.
type dashboard struct {
	Templating struct {
		List []struct {
			Name string `json:"name"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID         int    `json:"id"`
		Type       string `json:"type"`
		Title      string `json:"title"`
		Datasource struct {
			UID string `json:"uid"`
		} `json:"datasource"`
		GridPos struct {
			H, W, X, Y int
		} `json:"gridPos"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	content, err := os.ReadFile("../../deploy/grafana/muster.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Every panel asks for metrics that a manager has, by labels that these have, in the words of Prometheus.
func TestDashboard(t *testing.T) {
	s := startServing(t)
	s.must(200, "POST", "/api/v2/device_groups/shops", `{"apps": [], "cron_jobs": []}`)
	device := dialDevice(t, s, "till-1")
	device.say(topics.DeviceStatus, `{"state": "online", "session": 1, "device_group": "shops", "at": "2026-01-01T00:00:00Z"}`)
	s.awaitValue(1, "muster_devices", "device_group=shops", "state=online")
	breakStore(t, s) // what counts errors is there from the first one on
	got := s.scrape()
	for _, p := range readDashboard(t).Panels {
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("panel %q asks for nothing, or asks another than the chosen Prometheus", p.Title)
		}
		for _, target := range p.Targets {
			if err := got.answers(target.Expr); err != nil {
				t.Errorf("panel %q: %s: %v", p.Title, target.Expr, err)
			}
		}
	}
}

// breakStore has an operation of the store fail.
func breakStore(t *testing.T, s *serving) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "muster.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "DROP TABLE audit"); err != nil {
		t.Fatal(err)
	}
	s.must(500, "GET", "/api/v2/audit", "")
}

// answers reports why an expression has no answer: all metrics that it asks for must be there, with the labels that it goes by.
func (s scrape) answers(expr string) error {
	parsed, err := metricsql.Parse(strings.ReplaceAll(expr, "$__rate_interval", "1m"))
	if err != nil {
		return err
	}
	// Prometheus adds these, le to the buckets of a histogram.
	known := map[string]bool{"job": true, "instance": true, "le": true}
	var grouping []string
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		switch e := e.(type) {
		case *metricsql.MetricExpr:
			err = errors.Join(err, s.selects(e, known))
		case *metricsql.AggrFuncExpr:
			grouping = append(grouping, e.Modifier.Args...)
		case *metricsql.FuncExpr: // Prometheus wants a window of these
			window, ok := e.Args[0].(*metricsql.RollupExpr)
			if metricsql.IsRollupFunc(e.Name) && (!ok || window.Window == nil) {
				err = errors.Join(err, fmt.Errorf("%s needs a window", e.Name))
			}
		}
	})
	for _, label := range grouping {
		if !known[label] {
			err = errors.Join(err, fmt.Errorf("no metric has a label %s to group by, only %v", label, slices.Sorted(maps.Keys(known))))
		}
	}
	return err
}

// selects reports why a selector selects nothing: each of its labels must be one of some series. It notes which labels there are.
func (s scrape) selects(e *metricsql.MetricExpr, known map[string]bool) error {
	filters := e.LabelFilterss[0]
	name := filters[0].Value
	family := s[name]
	for _, suffix := range []string{"_bucket", "_count"} {
		if base, cut := strings.CutSuffix(name, suffix); cut && family == nil && s[base].GetType() == dto.MetricType_HISTOGRAM {
			family, name = s[base], base
		}
	}
	if family == nil || filters[0].Label != "__name__" {
		return fmt.Errorf("there is no metric %s", name)
	}
	values := map[string][]string{}
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			known[label.GetName()] = true
			values[label.GetName()] = append(values[label.GetName()], label.GetValue())
		}
	}
	for _, f := range filters[1:] {
		switch ofJob := f.Label == "job" && f.Value == "$job" && f.IsRegexp; {
		case ofJob:
		case f.IsRegexp || f.IsNegative || !slices.Contains(values[f.Label], f.Value):
			return fmt.Errorf("no %s has %s=%q, only %v", name, f.Label, f.Value, values[f.Label])
		}
	}
	return nil
}

// Grafana moves panels that overlap, and confuses those with the same id.
func TestDashboardFitsTogether(t *testing.T) {
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range readDashboard(t).Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("panel %q has the id %d of another", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				place := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, is := taken[place]; is || place[0] >= 24 {
					t.Fatalf("panel %q is in the place of %q, or beyond the edge", p.Title, other)
				}
				taken[place] = p.Title
			}
		}
	}
	if len(ids) < 10 {
		t.Errorf("there are %d panels", len(ids))
	}
}
