package api

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// tellEvery is how often, at most, the log says that connections are not accepted.
const tellEvery = time.Minute

// A tellingListener has the log say why connections are not accepted, the limit of open files for example. The server
// itself only tries again, and who wants to connect just waits. Accept is called by one goroutine at a time.
type tellingListener struct {
	net.Listener
	log  *slog.Logger
	told time.Time
}

func (l *tellingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) && time.Since(l.told) >= tellEvery {
		l.told = time.Now()
		l.log.Error("connections to the REST API are not accepted", "addr", l.Addr().String(), "error", err)
	}
	return conn, err
}
