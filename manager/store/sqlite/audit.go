package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"muster/manager/store"
)

// audit keeps the trail of changes in one table.
type audit struct{ s *Store }

func (a audit) Append(ctx context.Context, e store.AuditEntry) error {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if e.Changed == nil {
		e.Changed = []string{}
	}
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode audit entry %s: %w", e.ID, err)
	}
	err = a.s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		added, err := affected(tx.ExecContext(ctx,
			`INSERT INTO audit (id, made_by, kind, name, doc) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			e.ID, e.By, e.Kind, e.Name, string(doc)))
		if err != nil {
			return err
		}
		if added == 0 {
			return store.ErrExists
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ?`, a.s.auditLimit)
		return err
	})
	if err != nil {
		return fmt.Errorf("audit entry %s: %w", e.ID, err)
	}
	return nil
}

// auditPage finds the entries in an index, which has all that they are selected by, and reads only those.
func auditPage(q store.AuditQuery, limit int) (query string, args []any) {
	where := conditions{}
	where.unlessEmpty(`id < ?`, q.Before)
	where.unlessEmpty(`made_by = ?`, q.By)
	where.unlessEmpty(`kind = ?`, q.Kind)
	where.unlessEmpty(`name = ?`, q.Name)
	index := ``
	if q.Name != "" {
		index = ` INDEXED BY audit_name` // no filter leaves fewer, but SQLite cannot know
	}
	return `SELECT id, doc FROM audit WHERE seq IN (
		SELECT seq FROM audit` + index + where.clause() + ` ORDER BY id DESC LIMIT ?) ORDER BY id DESC`, append(where.args, max(limit, 0))
}

func (a audit) Page(ctx context.Context, q store.AuditQuery, limit int) ([]store.AuditEntry, error) {
	query, args := auditPage(q, limit)
	entries := []store.AuditEntry{}
	err := a.s.read(func(db *sql.DB) error {
		return each(ctx, db, query, func(rows *sql.Rows) error {
			var id string
			var doc []byte
			if err := rows.Scan(&id, &doc); err != nil {
				return err
			}
			var e store.AuditEntry
			if err := json.Unmarshal(doc, &e); err != nil {
				return fmt.Errorf("decode entry %s: %w", id, err)
			}
			entries = append(entries, e)
			return nil
		}, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	return entries, nil
}
