package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"muster/broker/client"
	"muster/topics"
	"muster/worker/outbox"
)

// busyTime is about how long to wait at most before a broker that is busy, or does not answer, gets a report again.
const busyTime = time.Minute

// sendReports publishes the reports of the outbox, one after the other. One leaves when the broker has acknowledged it, or has refused
// it for good, so that it holds up no others.
func (l *Link) sendReports(ctx context.Context, c client.Client) error {
	retry := &backoff.ExponentialBackOff{InitialInterval: statusPause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: busyTime}
	for ctx.Err() == nil {
		if l.fresh.Swap(false) && l.outbox.Len() > 1 && !sleep(ctx, rand.N(lateTime)) {
			return nil
		}
		report, err := l.outbox.First()
		if err == nil && report != nil {
			err = l.sendReport(ctx, c, report)
		}
		pause := reportGap/2 + rand.N(reportGap)
		switch {
		case ctx.Err() != nil: // whatever the error is
		case errors.Is(err, client.ErrNotConnected), err == nil && report == nil:
			// The next connection, or report, wakes this.
			pause = 0
			select {
			case <-l.sending:
			case <-ctx.Done():
				return nil
			}
		case err == nil:
			l.complain("report not published", "")
			retry.Reset()
			l.outbox.Remove(report)
			wake(l.reporting)
		case errors.Is(err, client.ErrRefused):
			l.Log.Warn("the broker refused a report, which is dropped", "error", err)
			l.outbox.Remove(report)
			if l.FailHard {
				return fmt.Errorf("a report was refused: %w", err)
			}
			wake(l.reporting)
		default:
			l.complain("report not published", err.Error())
			pause = retry.NextBackOff()
		}
		sleep(ctx, pause)
	}
	return nil
}

// sendReport publishes a report as it is, to the byte, however often, so that those who got it twice can tell.
func (l *Link) sendReport(ctx context.Context, c client.Client, r *outbox.Report) error {
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	return l.publish(ctx, c, client.Message{
		Topic: l.Root.Topic(topics.DeviceReport, l.Device), Payload: r.Payload, QoS: 1, ContentType: "application/json",
	})
}
