package link

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"muster/worker/durable"
)

// sessionFile is the file in the state directory that holds the number of the last session.
const sessionFile = "session"

// sessions numbers the attempts of this device to connect, rising for as long as the state directory lives, also
// when the clock goes back.
type sessions struct {
	path string
	last int64
	log  *slog.Logger
}

// loadSessions reads the last number. Without one that can be read, the clock alone has to do.
func loadSessions(dir string, log *slog.Logger) *sessions {
	s := &sessions{path: filepath.Join(dir, sessionFile), log: log}
	data, err := os.ReadFile(s.path)
	if err == nil {
		s.last, err = strconv.ParseInt(string(data), 10, 64)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("the number of the last session is lost; the clock gives the next one", "error", err)
	}
	return s
}

// next begins a session.
func (s *sessions) next(now time.Time) int64 {
	s.last = max(now.UnixMilli(), s.last+1)
	if err := durable.WriteFile(s.path, strconv.AppendInt(nil, s.last, 10)); err != nil {
		s.log.Warn("the number of the session cannot be kept", "error", err)
	}
	return s.last
}
