package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"muster/manager/store"
)

// reports keeps what devices reported in one table.
type reports struct{ s *Store }

func (r reports) Add(ctx context.Context, list []store.Report) error {
	rows := make([][]any, 0, len(list))
	spans := spansOf{}
	for _, report := range list {
		fields, err := report.Fields()
		if err != nil {
			return fmt.Errorf("add reports: %w", err)
		}
		created, updated := column[float64](fields["report_creation_time"]), column[bool](fields["updated"])
		rows = append(rows, []any{report.ID, column[string](fields["hostname"]), column[string](fields["device_group"]),
			created, updated, string(report.Doc)})
		if err := spans.add(report.ID, created, updated); err != nil {
			return fmt.Errorf("add reports: %w", err)
		}
	}
	err := r.s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `INSERT INTO reports (id, hostname, device_group, created_at, updated, doc)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }() // the transaction would close it too, later
		for _, row := range rows {
			if _, err := insert.ExecContext(ctx, row...); err != nil {
				return err
			}
		}
		return spans.put(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("add reports: %w", err)
	}
	return nil
}

// column is the value of a field to select a report by, nil when it is of another type or missing.
func column[T string | float64 | bool](field json.RawMessage) *T {
	var value *T
	if json.Unmarshal(field, &value) != nil {
		return nil
	}
	return value
}

// comparisons are those of a query in SQL.
var comparisons = map[string]string{
	store.Equal: "=", store.NotEqual: "IS NOT", // which NULL is as well
	store.Greater: ">", store.GreaterOrEqual: ">=",
	store.Less: "<", store.LessOrEqual: "<=",
}

// reportPage finds the reports in an index, which has all that they are selected by, and reads only those.
func reportPage(q store.ReportQuery, in stretch, limit int) (query string, args []any, err error) {
	where := conditions{}
	if in != everything[0] {
		where.add(`id >= ?`, in.from)
		where.add(`id < ?`, in.below)
	}
	where.unlessEmpty(`id > ?`, q.After)
	where.unlessEmpty(`hostname = ?`, q.Hostname)
	where.unlessEmpty(`device_group = ?`, q.DeviceGroup)
	if q.Updated != nil {
		where.add(`updated = ?`, *q.Updated)
	}
	if q.Compare != "" {
		operator, ok := comparisons[q.Compare]
		if !ok {
			return "", nil, fmt.Errorf("unknown comparison %q", q.Compare)
		}
		where.add(`created_at `+operator+` ?`, q.CreatedAt)
	}
	return `SELECT id, doc FROM reports WHERE rowid IN (
		SELECT rowid FROM reports` + where.clause() + ` ORDER BY id LIMIT ?) ORDER BY id`, append(where.args, max(limit, 0)), nil
}

func (r reports) Page(ctx context.Context, q store.ReportQuery, limit int) ([]store.Report, error) {
	page := []store.Report{}
	err := r.s.read(func(db *sql.DB) error {
		// What is added meanwhile must not be passed over by a page that has what came after it.
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // there is nothing to commit
		parts, err := stretches(ctx, tx, q)
		if err != nil {
			return err
		}
		for _, part := range parts {
			query, args, err := reportPage(q, part, limit-len(page))
			if err != nil {
				return err
			}
			err = each(ctx, tx, query, func(rows *sql.Rows) error {
				var id, doc string
				if err := rows.Scan(&id, &doc); err != nil {
					return err
				}
				page = append(page, store.Report{ID: id, Doc: json.RawMessage(doc)})
				return nil
			}, args...)
			if err != nil || len(page) >= limit {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	return page, nil
}

// Expire looks before it writes, for there is nothing to remove most of the time, and a commit is a flush to the disk.
func (r reports) Expire(ctx context.Context, before time.Time, limit int) (int, error) {
	const expired = `FROM reports WHERE rowid IN (SELECT rowid FROM reports WHERE id < ? ORDER BY id LIMIT ?)`
	args := []any{store.FirstReportID(before), max(limit, 0)}
	var there bool
	err := r.s.read(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 `+expired+`)`, args...).Scan(&there)
	})
	var removed int64
	if err == nil && there {
		err = r.s.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
			if removed, err = affected(tx.ExecContext(ctx, `DELETE `+expired, args...)); err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `DELETE FROM report_spans WHERE zone < coalesce((SELECT substr(min(id), 1, ?) FROM reports), 'g')`, zoneDigits)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("remove old reports: %w", err)
	}
	return int(removed), nil
}
