package sqlite

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

// TestAuditLimit appends more entries than are kept, some of them late and some of them twice.
func TestAuditLimit(t *testing.T) {
	s := mustOpen(t, path(t))
	if s.auditLimit != store.AuditLimit {
		t.Errorf("%d entries are kept, want %d", s.auditLimit, store.AuditLimit)
	}
	s.auditLimit = 10
	const appenders, each = 8, 20
	var wg sync.WaitGroup
	for i := range appenders {
		wg.Go(func() {
			for n := range each {
				if err := s.Audit().Append(t.Context(), store.AuditEntry{ID: fmt.Sprintf("early-%d-%02d", i, n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var want []string
	for n := range 10 {
		e := store.AuditEntry{ID: fmt.Sprintf("late-%d", n)}
		if err := s.Audit().Append(t.Context(), e); err != nil {
			t.Error(err)
		}
		if err := s.Audit().Append(t.Context(), e); !errors.Is(err, store.ErrExists) {
			t.Errorf("again: got %v, want ErrExists", err)
		}
		want = append([]string{e.ID}, want...)
		page, err := s.Audit().Page(t.Context(), store.AuditQuery{}, 1000)
		if err != nil || len(page) != 10 {
			t.Errorf("got %d entries (%v), want the last 10", len(page), err)
		}
	}
	page, err := s.Audit().Page(t.Context(), store.AuditQuery{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page {
		got = append(got, e.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}
