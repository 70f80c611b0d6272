package kafka

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge"
)

// message is where a record goes first.
func (s *Sink) message(r bridge.Record) *kgo.Record {
	if r.Flaw != "" {
		return deadLetter(s.o.DeadLetterTopic, r, r.Flaw)
	}
	return message(s.o.Topic, r)
}

// write writes records and comes back when each of its records is settled, or with an error.
func (s *Sink) write(ctx context.Context, records []bridge.Record) error {
	messages := make([]*kgo.Record, len(records))
	for i, r := range records {
		messages[i] = s.message(r)
	}
	var again []bridge.Record
	var failed, refusal error
	for i, err := range s.produce(ctx, messages) {
		r := records[i]
		switch {
		case err == nil:
			if r.Flaw != "" {
				s.deadLetters.Add(1)
			}
			s.written[r.Offset] = true
		case r.Flaw != "" && unusable(err):
			s.discardLetter(r, err)
		case refused(err):
			again, refusal = append(again, r), err
		case failed == nil:
			failed = s.o.explain(messages[i].Topic, err)
		}
	}
	switch {
	case failed != nil:
		return failed
	case len(again) == 0:
		return nil
	case len(records) == 1:
		return s.bury(ctx, records[0], refusal)
	}
	// A batch is refused as a whole, and those behind it fail with it: halves are small enough in the end, or find the culprits.
	half := len(again) / 2
	for _, part := range [][]bridge.Record{again[:half], again[half:]} {
		if len(part) == 0 {
			continue
		}
		if err := s.write(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// produce hands the messages to the library and gives the error of each. None is left with the library afterwards, so that what is
// written again later cannot be overtaken by an earlier try.
func (s *Sink) produce(ctx context.Context, messages []*kgo.Record) []error {
	trying, cancel := context.WithTimeoutCause(ctx, s.o.Timeout, errSlow)
	defer cancel()
	errs := make([]error, len(messages))
	var pending sync.WaitGroup
	pending.Add(len(messages))
	for i, m := range messages {
		s.client.Produce(trying, m, func(_ *kgo.Record, err error) {
			errs[i] = err
			pending.Done()
		})
	}
	if s.client.Flush(trying) == nil {
		pending.Wait()
		if slices.ContainsFunc(errs, missing) {
			s.renew()
		}
		return errs
	}
	// Nothing is done twice by the brokers that they have done: what was under way carries an older epoch from now on.
	s.client.UnsafeAbortBufferedRecords()
	pending.Wait()
	cause := context.Cause(trying)
	if errors.Is(cause, errSlow) {
		cause = s.dialing.why(cause)
	}
	for i, err := range errs {
		if errors.Is(err, kgo.ErrAborting) || errors.Is(err, context.DeadlineExceeded) {
			errs[i] = cause
		}
	}
	return errs
}

// renew begins anew with the library, which never writes again to a topic that was deleted and made again.
func (s *Sink) renew() {
	client, err := kgo.NewClient(s.options...)
	if err != nil { // the options were good before
		s.o.Log.Error("the client of Kafka stays as it is", "error", err)
		return
	}
	s.client.Close()
	s.client = client
}

// bury gives up a record that the topic of reports cannot have.
func (s *Sink) bury(ctx context.Context, r bridge.Record, refusal error) error {
	if r.Flaw != "" || s.o.DeadLetterTopic == "" || time.Now().Before(s.lettersAt) {
		s.discard(r, refusal)
		return nil
	}
	err := s.produce(ctx, []*kgo.Record{deadLetter(s.o.DeadLetterTopic, r, "refused by Kafka: "+refusal.Error())})[0]
	switch {
	case err == nil:
		s.deadLetters.Add(1)
		s.written[r.Offset] = true
	case unusable(err):
		s.discardLetter(r, err)
	case refused(err):
		s.discard(r, err)
	default:
		return s.o.explain(s.o.DeadLetterTopic, err)
	}
	return nil
}

// discardLetter discards a record because there is no topic for it. That takes a while to find out, so that the topic is not tried
// again at once: what is no report must not hold up what is one.
func (s *Sink) discardLetter(r bridge.Record, err error) {
	s.noLetters, s.lettersAt = err, time.Now().Add(time.Minute)
	s.discard(r, err)
}

// discard is the end of a record that is no report and cannot become a dead letter.
func (s *Sink) discard(r bridge.Record, err error) {
	s.discarded.Add(1)
	s.written[r.Offset] = true
	s.o.Log.Error("a report does not get to Kafka, nor to the topic for dead letters",
		"topic", r.Topic, "device", r.Device, "report_id", r.ReportID, "boot", r.Boot, "seq", r.Seq, "bytes", len(r.Payload), "received", r.Received, "error", err)
}
