package device

import (
	"fmt"
	"strings"

	"github.com/docker/go-units"

	"muster/topics"
)

// Bar shows how far something is, width columns wide and with the bytes behind it. Of a total that is not known it has the bytes alone.
func Bar(p topics.Progress, width int) string {
	done := units.HumanSizeWithPrecision(float64(max(0, p.Done)), 3)
	if p.Total <= 0 {
		return done
	}
	total := units.HumanSizeWithPrecision(float64(p.Total), 3)
	share := Share(p.Done, p.Total)
	return fmt.Sprintf("%s %3.0f%% %s of %s", Gauge(share, width), share*100, done, total)
}

// Share is the part that done is of total, from 0 to 1.
func Share(done, total int64) float64 {
	if total <= 0 {
		return 0
	}
	return min(1, max(0, float64(done)/float64(total)))
}

// Gauge is a bar, width columns wide, of which share is full.
func Gauge(share float64, width int) string {
	full := int(share * float64(width))
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}
