package bridge

import (
	"context"
	"errors"
)

// A FlawError says why what was published on a report topic is no report.
type FlawError struct{ Flaw string }

func (e *FlawError) Error() string { return e.Flaw }

// Take spools records, all or none, in that order. When it returns nil they may be acknowledged. It fails with [ErrFull] when
// there is no room: the publisher is to keep them. After any other error they are not to be acknowledged either, and may be
// taken again; they may then come twice.
func (b *Bridge) Take(ctx context.Context, records ...Record) error {
	if len(records) == 0 {
		return nil
	}
	if err := b.spool.Append(ctx, records...); err != nil {
		if errors.Is(err, ErrFull) {
			b.refusedFull.Add(int64(len(records)))
		}
		return err
	}
	b.taken.Add(int64(len(records)))
	for _, r := range records {
		if r.Flaw != "" {
			b.flawed.Add(1)
		}
	}
	return nil
}

// Offer is Take for a publisher that can be told why: a record with a flaw is not taken, and a [FlawError].
func (b *Bridge) Offer(ctx context.Context, r Record) error {
	if r.Flaw != "" {
		b.refusedFlawed.Add(1)
		return &FlawError{Flaw: r.Flaw}
	}
	return b.Take(ctx, r)
}
