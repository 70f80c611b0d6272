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

// The number of a part is an era times eras, and what its reports say about updated. Times that are far off are apart by eras of
// their own, 18 hours each: one clock of 1970 and another of 2100 would make a span of all that is in between.
const (
	eras     = 3
	timeless = 2 // reports without a time; those that are about right are of era 0, and the far ones of older files of 1
	before   = 3 // 1970
	after    = 4 // the last era that has a number
	firstEra = 5
	eraBits  = 16
	lastBit  = 40
)

// eraOf is the era of a report whose time is far off.
func eraOf(created float64) int {
	switch {
	case created < 0:
		return before
	case created >= 1<<lastBit:
		return after
	}
	return firstEra + int(created)>>eraBits
}

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
		p.part += timeless * eras
		s[p] = span{}
		return nil
	}
	seconds, err := strconv.ParseUint(id[:8], 16, 32)
	if err != nil {
		return err
	}
	if math.Abs(*created-float64(seconds)) > farOff {
		p.part += eraOf(*created) * eras
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

// spanQuery asks for the zones in which a query may find something; empty when it may in all.
func spanQuery(q store.ReportQuery) (query string, args []any) {
	overlap, timed := overlaps[q.Compare]
	if !timed && q.Updated == nil {
		return "", nil
	}
	query = `SELECT DISTINCT zone FROM report_spans WHERE zone >= ?1`
	args = []any{q.After[:min(len(q.After), zoneDigits)], q.CreatedAt}
	if timed {
		query += ` AND ` + overlap + fmt.Sprint(` AND part / `, eras, ` <> `, timeless)
	}
	if q.Updated != nil {
		query, args = query+fmt.Sprint(` AND part % `, eras, ` = ?3`), append(args, partOf(q.Updated))
	}
	return query + ` ORDER BY zone`, args
}

// fewReports are looked at one by one sooner than it is found out where to look.
const fewReports = 5000

// ofFew reports whether a query is for one device, with few reports.
func ofFew(ctx context.Context, db querier, q store.ReportQuery) (bool, error) {
	if q.Hostname == "" {
		return false, nil
	}
	few := true
	err := each(ctx, db, `SELECT 1 FROM reports WHERE hostname = ? LIMIT 1 OFFSET ?`, func(*sql.Rows) error {
		few = false
		return nil
	}, q.Hostname, fewReports)
	return few, err
}

// stretches are where a query may find something, in ascending order.
func stretches(ctx context.Context, db querier, q store.ReportQuery) ([]stretch, error) {
	query, args := spanQuery(q)
	if query == "" {
		return everything, nil
	}
	if few, err := ofFew(ctx, db, q); err != nil || few {
		return everything, err
	}
	var zones []uint64
	err := each(ctx, db, query, func(rows *sql.Rows) error {
		var zone string
		if err := rows.Scan(&zone); err != nil {
			return err
		}
		number, err := strconv.ParseUint(zone, 16, 32)
		if err != nil {
			return fmt.Errorf("zone %q of reports: %w", zone, err)
		}
		zones = append(zones, number)
		return nil
	}, args...)
	return join(zones), err
}

// maxStretches is how many are looked into at most: each is a query.
const maxStretches = 256

// join makes stretches of zones. When they are too many, what is between those that are near each other is looked at too.
func join(zones []uint64) (all []stretch) {
	for gap := uint64(1); gap == 1 || len(all) > maxStretches; gap *= 2 {
		all = nil
		for i, zone := range zones {
			name := fmt.Sprintf("%0*x", zoneDigits, zone)
			if i == 0 || zone-zones[i-1] > gap {
				all = append(all, stretch{from: name})
			}
			all[len(all)-1].below = name + "g"
		}
	}
	return all
}
