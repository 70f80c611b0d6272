package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"

	"muster/manager/store"
)

// zoneDigits are those of an id that name its zone: 16 seconds.
const zoneDigits = 7

// farOff is how many seconds a report's time may be from its id's without being put apart.
const farOff = 3600

// What is added to the number of a part.
const (
	far      = 3 // for reports whose time is far off
	timeless = 6 // for those without a time
)

// A part of a zone has spans of its own.
type part struct {
	zone string
	part int
}

// A span of time, in seconds since 1970.
type span struct{ oldest, newest float64 }

// spansOf are the spans that reports add to.
type spansOf map[part]span

func (s spansOf) add(id string, created *float64, updated *bool) error {
	p := part{zone: id[:zoneDigits], part: partOf(updated)}
	if created == nil {
		p.part += timeless
		s[p] = span{}
		return nil
	}
	seconds, err := strconv.ParseUint(id[:8], 16, 32)
	if err != nil {
		return err
	}
	if math.Abs(*created-float64(seconds)) > farOff {
		p.part += far
	}
	now, there := s[p]
	if !there {
		now = span{*created, *created}
	}
	s[p] = span{min(now.oldest, *created), max(now.newest, *created)}
	return nil
}

// partOf is the number of what says the same about updated, with times that are about right.
func partOf(updated *bool) int {
	switch {
	case updated == nil:
		return 2
	case *updated:
		return 1
	}
	return 0
}

// put widens the spans in the store.
func (s spansOf) put(ctx context.Context, tx *sql.Tx) error {
	for p, span := range s {
		_, err := tx.ExecContext(ctx, `INSERT INTO report_spans (zone, part, oldest, newest) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)`,
			p.zone, p.part, span.oldest, span.newest)
		if err != nil {
			return err
		}
	}
	return nil
}

// overlaps are what a span must be like for a report in it to compare as asked for.
var overlaps = map[string]string{
	store.Equal: `oldest <= ?2 AND newest >= ?2`, store.Greater: `newest > ?2`, store.GreaterOrEqual: `newest >= ?2`,
	store.Less: `oldest < ?2`, store.LessOrEqual: `oldest <= ?2`,
}

// A stretch is of ids: those from one on, and below another.
type stretch struct{ from, below string }

// everything is the stretch of all ids: a hexadecimal digit is below "g".
var everything = []stretch{{"", "g"}}

// spanQuery asks for the zones in which a query may find something; empty when it may in all. One device's reports are so
// few that they are looked at one by one.
func spanQuery(q store.ReportQuery) (query string, args []any) {
	overlap, timed := overlaps[q.Compare]
	if q.Hostname != "" || !timed && q.Updated == nil {
		return "", nil
	}
	query = `SELECT DISTINCT zone FROM report_spans WHERE zone >= ?1`
	args = []any{q.After[:min(len(q.After), zoneDigits)], q.CreatedAt}
	if timed {
		query += ` AND ` + overlap + fmt.Sprint(` AND part < `, timeless)
	}
	if q.Updated != nil {
		query, args = query+fmt.Sprint(` AND part % `, far, ` = ?3`), append(args, partOf(q.Updated))
	}
	return query + ` ORDER BY zone`, args
}

// stretches are where a query may find something, in ascending order.
func stretches(ctx context.Context, db *sql.DB, q store.ReportQuery) ([]stretch, error) {
	query, args := spanQuery(q)
	if query == "" {
		return everything, nil
	}
	var all []stretch
	next := ""
	err := each(ctx, db, query, func(rows *sql.Rows) error {
		var zone string
		if err := rows.Scan(&zone); err != nil {
			return err
		}
		number, err := strconv.ParseUint(zone, 16, 32)
		if err != nil {
			return fmt.Errorf("zone %q of reports: %w", zone, err)
		}
		if zone != next {
			all = append(all, stretch{from: zone})
		}
		all[len(all)-1].below = zone + "g"
		next = fmt.Sprintf("%0*x", zoneDigits, number+1)
		return nil
	}, args...)
	return all, err
}
