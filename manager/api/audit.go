package api

import (
	"net/http"
	"strings"

	"github.com/oklog/ulid/v2"

	"muster/manager/store"
)

// auditedKinds are the words for what can be changed.
var auditedKinds = []string{
	store.AppKind().Singular, store.CronJobKind().Singular, store.DeviceGroupKind().Singular,
	store.UserKind().Singular, store.UserGroupKind().Singular, deviceKind.word, tokenKind.word, authorityKind.word,
}

type auditPage struct {
	Audit []store.AuditEntry `json:"audit"`
	// Next is the parameter "before" of the next page; null on the last one.
	Next *string `json:"next"`
}

// listAudit lists who has changed what, newest first.
func (a *api) listAudit(r *http.Request) (int, any, error) {
	q := readQuery(r)
	size := q.pageSize(50, 1000)
	selected := store.AuditQuery{
		Before: strings.ToUpper(q.valid("before", "the id of an entry, which is a ULID", isULID)),
		By:     q.text("by"),
		Kind:   q.oneOf("kind", auditedKinds...),
		Name:   q.text("name"),
	}
	if err := q.done(); err != nil {
		return 0, nil, err
	}
	read, err := a.store.Audit().Page(r.Context(), selected, size+1)
	if err != nil {
		return 0, nil, err
	}
	entries, more := page(read, size)
	answer := auditPage{Audit: append([]store.AuditEntry{}, entries...)}
	if more {
		answer.Next = &entries[size-1].ID
	}
	return http.StatusOK, answer, nil
}

func isULID(s string) bool {
	_, err := ulid.ParseStrict(s)
	return err == nil
}
