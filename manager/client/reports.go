package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// A ReportQuery selects reports. Its zero value selects all.
type ReportQuery struct {
	// Hostname and DeviceGroup select reports with exactly these, unless empty.
	Hostname, DeviceGroup string
	// Since selects reports made then or later, to the second, unless zero.
	Since time.Time
}

// Reports lists reports as the JSON objects that they are, oldest first, page by page. An error ends it.
func (c *Client) Reports(ctx context.Context, q ReportQuery) iter.Seq2[json.RawMessage, error] {
	query := values("page_size", "100", "hostname", q.Hostname, "device_group", q.DeviceGroup)
	if !q.Since.IsZero() {
		query.Set("report_creation_time", strconv.FormatInt(q.Since.Unix(), 10))
		query.Set("report_creation_time_filter", "gte")
	}
	type page struct {
		Data   []json.RawMessage `json:"data"`
		LastID *struct {
			OID string `json:"$oid"`
		} `json:"last_id"`
	}
	return pages(ctx, c, call{path: "/reports", kind: "reports", query: query}, func(p page) ([]json.RawMessage, url.Values) {
		if p.LastID == nil {
			return p.Data, nil
		}
		return p.Data, values("last_id", p.LastID.OID)
	})
}
