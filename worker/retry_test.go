package worker

import (
	"testing"
	"time"
)

func TestRetryPausesGrowAndVary(t *testing.T) {
	r := newRetry(time.Second, time.Minute)
	pauses := map[time.Duration]bool{}
	low, high := 500*time.Millisecond, 1500*time.Millisecond
	for range 20 {
		r.postpone(noon, "why")
		pause := r.next.Sub(noon)
		if pause < low || pause > high+1 {
			t.Errorf("pause %v, want %v to %v", pause, low, high)
		}
		pauses[pause] = true
		low, high = min(2*low, 30*time.Second), min(2*high, 90*time.Second)
	}
	if len(pauses) < 15 {
		t.Errorf("%d different pauses out of 20: a fleet would come back together", len(pauses))
	}
}
