package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"muster/manager/store"
)

// reports keeps what devices reported in one table.
type reports struct{ s *Store }

func (r reports) Add(ctx context.Context, list []store.Report) error {
	err := r.s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, report := range list {
			// ->> gives NULL for what is not there.
			if _, err := tx.ExecContext(ctx, `
				INSERT INTO reports (id, hostname, device_group, created_at, updated, doc)
				SELECT ?1, ?2 ->> '$.hostname', ?2 ->> '$.device_group', CAST(?2 ->> '$.report_creation_time' AS INTEGER), ?2 ->> '$.updated', ?2
				WHERE true ON CONFLICT DO NOTHING`, report.ID, string(report.Doc)); err != nil {
				return fmt.Errorf("report %s: %w", report.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add reports: %w", err)
	}
	return nil
}

// comparisons are those of a query in SQL.
var comparisons = map[string]string{
	store.Equal: "=", store.NotEqual: "<>",
	store.Greater: ">", store.GreaterOrEqual: ">=",
	store.Less: "<", store.LessOrEqual: "<=",
}

func (r reports) Page(ctx context.Context, q store.ReportQuery, limit int) ([]store.Report, error) {
	where := conditions{}
	where.unlessEmpty(`id > ?`, q.After)
	where.unlessEmpty(`hostname = ?`, q.Hostname)
	where.unlessEmpty(`device_group = ?`, q.DeviceGroup)
	if q.Updated != nil {
		where.add(`updated = ?`, *q.Updated)
	}
	if q.Compare != "" {
		operator, ok := comparisons[q.Compare]
		if !ok {
			return nil, fmt.Errorf("read reports: unknown comparison %q", q.Compare)
		}
		where.add(`created_at `+operator+` ?`, q.CreatedAt)
	}
	page := []store.Report{}
	err := r.s.read(func(db *sql.DB) error {
		return each(ctx, db, `SELECT id, doc FROM reports`+where.clause()+` ORDER BY id LIMIT ?`, func(rows *sql.Rows) error {
			var id, doc string
			if err := rows.Scan(&id, &doc); err != nil {
				return err
			}
			page = append(page, store.Report{ID: id, Doc: json.RawMessage(doc)})
			return nil
		}, append(where.args, limit)...)
	})
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	return page, nil
}
