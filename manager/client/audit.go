package client

import (
	"context"
	"iter"
	"net/url"

	"muster/manager/store"
)

// Audit lists the changes that the query selects, newest first, page by page. An error ends it.
func (c *Client) Audit(ctx context.Context, q store.AuditQuery) iter.Seq2[store.AuditEntry, error] {
	query := values("page_size", "100", "before", q.Before, "by", q.By, "kind", q.Kind, "name", q.Name)
	type page struct {
		Audit []store.AuditEntry `json:"audit"`
		Next  *string            `json:"next"`
	}
	return pages(ctx, c, call{path: "/audit", kind: "audit", query: query}, func(p page) ([]store.AuditEntry, url.Values) {
		if p.Next == nil {
			return p.Audit, nil
		}
		return p.Audit, values("before", *p.Next)
	})
}
