package e2e

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"muster/topics"
)

// A nonsense is a client that publishes what is no report, and notes by its text what it was told.
type nonsense struct {
	addr string
	// kept was acknowledged, refused was answered with that it is no report, and cut with the end of the connection.
	kept, refused, cut []string
	odd                error // an answer that is none of these
}

// notReports are payloads that are no report of the device "pest", and differ in n.
func notReports(n int) []string {
	filled := func(bytes int) string {
		text := fmt.Sprint("x", n)
		return text + strings.Repeat("x", bytes-len(text))
	}
	return []string{
		fmt.Sprintf(`{"seq":%d`, n), fmt.Sprintf("[%d]", n), fmt.Sprintf("\x00\xff%d", n), fmt.Sprintf(`{"device":"device-001","seq":%d}`, n),
		filled(topics.MaxPayload), filled(topics.MaxPayload + 1),
	}
}

// run publishes until over is closed, by turns with MQTT 5 and 3.1.1.
func (p *nonsense) run(over <-chan struct{}) {
	for n := 0; ; n++ {
		payloads := notReports(n)
		p.publish([]string{"5", "3.1.1"}[n/len(payloads)%2], payloads[n%len(payloads)])
		select {
		case <-over:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *nonsense) publish(version, payload string) {
	w, err := dialWire(p.addr, version, "pest")
	if err != nil {
		return
	}
	defer w.Close()
	_ = w.SetDeadline(time.Now().Add(10 * time.Second))
	if err := w.publish(topics.DefaultRoot.Topic(topics.DeviceReport, "pest"), payload); err != nil {
		return
	}
	ack, err := w.receive(puback)
	switch code := reason(ack); {
	case err != nil:
		p.cut = append(p.cut, payload)
	case code < 0x80:
		p.kept = append(p.kept, payload)
	case code == 0x99:
		p.refused = append(p.refused, payload)
	case code != 0x97:
		p.odd = fmt.Errorf("%#x for %.80q", code, payload)
	}
}

// verifyDeadLetters holds that what is no report is kept apart with the reason when it was acknowledged, and not when it was refused.
func (l *loss) verifyDeadLetters() {
	l.t.Helper()
	letters := map[string]bool{}
	for _, r := range l.consume(deadLetters) {
		letters[string(r.Value)] = true
		if !slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == "reason" && len(h.Value) > 0 }) {
			l.t.Errorf("a dead letter has no reason: %.80q, %v", r.Value, r.Headers)
		}
	}
	p := l.pest
	missing := 0
	for _, payload := range p.kept {
		if !letters[payload] {
			missing++
			l.t.Errorf("acknowledged, and not among the dead letters: %.80q", payload)
		}
	}
	for _, payload := range p.refused {
		if letters[payload] {
			l.t.Errorf("refused, and among the dead letters: %.80q", payload)
		}
	}
	l.t.Logf("of what is no report %d were acknowledged, of which %d are missing among %d dead letters, %d refused with the reason, %d with the end of the connection",
		len(p.kept), missing, len(letters), len(p.refused), len(p.cut))
	if len(p.kept) == 0 || p.odd != nil {
		l.t.Errorf("%d were acknowledged; %v", len(p.kept), p.odd)
	}
}
