package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A logger has the library log for those who look for a fault. Whatever matters comes back as an error besides, so that
// nothing of it is above the level debug.
type logger struct{ log *slog.Logger }

func (l logger) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelNone
}

func (l logger) Log(level kgo.LogLevel, message string, values ...any) {
	l.log.Debug("kafka client", append([]any{"level", level.String(), "message", message}, values...)...)
}
