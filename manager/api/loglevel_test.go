package api

import (
	"log/slog"
	"testing"
)

func TestLogLevel(t *testing.T) {
	for _, tc := range []struct {
		method string
		status int
		probe  bool
		want   slog.Level
	}{
		{"GET", 200, false, slog.LevelDebug}, {"HEAD", 200, false, slog.LevelDebug}, {"GET", 403, false, slog.LevelDebug},
		{"GET", 401, false, slog.LevelInfo}, {"GET", 429, false, slog.LevelInfo}, {"PUT", 202, false, slog.LevelInfo},
		{"POST", 400, false, slog.LevelInfo}, {"GET", 500, false, slog.LevelError}, {"PUT", 503, false, slog.LevelError},
		{"GET", 503, true, slog.LevelDebug},
	} {
		if got := logLevel(&trace{probe: tc.probe}, tc.method, tc.status); got != tc.want {
			t.Errorf("%s answered %d, probe %v: %v, want %v", tc.method, tc.status, tc.probe, got, tc.want)
		}
	}
}
