package api

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"regexp"
	"strings"

	"muster/manager/store"
)

// An objectID is a MongoDB ObjectID in the words of MongoDB's extended JSON, which Nebula answers with.
type objectID struct {
	OID string `json:"$oid"`
}

var isObjectID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`).MatchString

// A reportPage has null twice when no report is selected: so Nebula's clients know that they are done.
type reportPage struct {
	Data   []json.RawMessage `json:"data"`
	LastID *objectID         `json:"last_id"`
}

func (a *api) listReports(r *http.Request) (int, any, error) {
	selected, size, err := readReportQuery(r)
	if err != nil {
		return 0, nil, err
	}
	reports, err := a.store.Reports().Page(r.Context(), selected, size)
	if err != nil {
		return 0, nil, err
	}
	var answer reportPage
	for _, report := range reports {
		answer.LastID = &objectID{report.ID}
		doc, err := withID(report)
		if err != nil {
			return 0, nil, err
		}
		answer.Data = append(answer.Data, doc)
	}
	return http.StatusOK, answer, nil
}

func readReportQuery(r *http.Request) (selected store.ReportQuery, size int, err error) {
	q := readQuery(r)
	size = q.pageSize(10, 1000)
	selected.Hostname = q.text("hostname")
	selected.DeviceGroup = q.text("device_group")
	selected.After = strings.ToLower(q.valid("last_id", "an id of 24 hexadecimal digits", isObjectID))
	if updated := q.oneOf("updated", "True", "False", "true", "false"); updated != "" {
		is := strings.EqualFold(updated, "true")
		selected.Updated = &is
	}
	// Nebula's SDK gives the comparison always, also without a time to compare with.
	compare := q.oneOf("report_creation_time_filter",
		store.Equal, store.Greater, store.Less, store.GreaterOrEqual, store.LessOrEqual, store.NotEqual)
	if q.has("report_creation_time") {
		selected.CreatedAt = q.number("report_creation_time", 0, math.MinInt64, math.MaxInt64)
		selected.Compare = compare
		if compare == "" {
			selected.Compare = store.Equal
		}
	}
	return selected, size, q.done()
}

// withID is a report with its id in front, as Nebula has it. What a report calls its _id itself is left out: of two fields of one name
// clients take the last.
func withID(report store.Report) (json.RawMessage, error) {
	fields, err := report.Fields()
	if err != nil {
		return nil, err
	}
	doc := report.Doc
	if _, own := fields["_id"]; own {
		delete(fields, "_id")
		if doc, err = json.Marshal(fields); err != nil {
			return nil, err
		}
	}
	id, err := json.Marshal(map[string]objectID{"_id": {report.ID}})
	if err != nil || len(fields) == 0 {
		return id, err
	}
	id[len(id)-1] = ','
	return append(id, bytes.TrimSpace(doc)[1:]...), nil
}
