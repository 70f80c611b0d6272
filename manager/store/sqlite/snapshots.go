package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"muster/manager/store"
)

// snapshots keeps the configs of all device_groups in one table.
type snapshots struct{ s *Store }

// headColumns are the columns of a head, in the order that scanHead reads them.
const headColumns = `device_group, config_id, epoch, sha256, at, made_by`

func scanHead(scan func(...any) error, h *store.Head, more ...any) error {
	var at int64
	err := scan(append([]any{&h.DeviceGroup, &h.ConfigID, &h.Epoch, &h.SHA256, &at, &h.By}, more...)...)
	h.At = time.UnixMilli(at).UTC()
	return err
}

func (n snapshots) Append(ctx context.Context, s store.Snapshot) error {
	err := n.s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		added, err := affected(tx.ExecContext(ctx,
			`INSERT INTO snapshots (`+headColumns+`, payload) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			s.DeviceGroup, s.ConfigID, s.Epoch, s.SHA256, s.At.UnixMilli(), s.By, s.Payload))
		if err != nil {
			return err
		}
		if added == 0 {
			return store.ErrConflict
		}
		return prune(ctx, tx, s.Head)
	})
	if err != nil {
		return named(s.DeviceGroup, s.ConfigID, err)
	}
	return nil
}

// prune drops what is beyond the limit of the history. That must not be what was just added.
func prune(ctx context.Context, tx *sql.Tx, added store.Head) error {
	return each(ctx, tx, `
		DELETE FROM snapshots WHERE device_group = ?1 AND config_id <= (
			SELECT config_id FROM snapshots WHERE device_group = ?1 ORDER BY config_id DESC LIMIT 1 OFFSET ?2)
		RETURNING config_id`,
		func(rows *sql.Rows) error {
			var dropped int64
			if err := rows.Scan(&dropped); err != nil {
				return err
			}
			if dropped == added.ConfigID {
				return store.ErrConflict
			}
			return nil
		}, added.DeviceGroup, store.HistoryLimit)
}

func (n snapshots) Latest(ctx context.Context, group string) (store.Snapshot, error) {
	s, err := n.one(ctx, `device_group = ? ORDER BY config_id DESC LIMIT 1`, group)
	if err != nil {
		return s, fmt.Errorf("latest snapshot of device_group %q: %w", group, err)
	}
	return s, nil
}

func (n snapshots) Get(ctx context.Context, group string, configID int64) (store.Snapshot, error) {
	s, err := n.one(ctx, `device_group = ? AND config_id = ?`, group, configID)
	if err != nil {
		return s, named(group, configID, err)
	}
	return s, nil
}

func (n snapshots) one(ctx context.Context, where string, args ...any) (s store.Snapshot, err error) {
	err = n.s.read(func(db *sql.DB) error {
		row := db.QueryRowContext(ctx, `SELECT `+headColumns+`, payload FROM snapshots WHERE `+where, args...)
		return scanHead(row.Scan, &s.Head, &s.Payload)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Snapshot{}, err
	}
	return s, nil
}

// Heads steps from group to group along the index: what it costs does not grow with the history.
func (n snapshots) Heads(ctx context.Context) (map[string]store.Head, error) {
	heads, err := n.heads(ctx, `
		WITH RECURSIVE latest (name, id) AS (
			SELECT * FROM (
				SELECT device_group, config_id FROM snapshots
				ORDER BY device_group DESC, config_id DESC LIMIT 1)
			UNION ALL
			SELECT s.device_group, s.config_id FROM latest JOIN snapshots s ON s.rowid = (
				SELECT rowid FROM snapshots WHERE device_group < latest.name
				ORDER BY device_group DESC, config_id DESC LIMIT 1))
		SELECT `+headColumns+` FROM latest JOIN snapshots ON device_group = name AND config_id = id`)
	if err != nil {
		return nil, fmt.Errorf("latest snapshots of all device_groups: %w", err)
	}
	byGroup := make(map[string]store.Head, len(heads))
	for _, h := range heads {
		byGroup[h.DeviceGroup] = h
	}
	return byGroup, nil
}

func (n snapshots) History(ctx context.Context, group string, before int64, limit int) ([]store.Head, error) {
	heads, err := n.heads(ctx,
		`SELECT `+headColumns+` FROM snapshots WHERE device_group = ? AND (? = 0 OR config_id < ?)
		ORDER BY config_id DESC LIMIT ?`, group, before, before, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("history of device_group %q: %w", group, err)
	}
	return heads, nil
}

func (n snapshots) heads(ctx context.Context, query string, args ...any) ([]store.Head, error) {
	heads := []store.Head{}
	err := n.s.read(func(db *sql.DB) error {
		return each(ctx, db, query, func(rows *sql.Rows) error {
			var h store.Head
			if err := scanHead(rows.Scan, &h); err != nil {
				return err
			}
			heads = append(heads, h)
			return nil
		}, args...)
	})
	return heads, err
}

func named(group string, configID int64, err error) error {
	return fmt.Errorf("snapshot %d of device_group %q: %w", configID, group, err)
}
