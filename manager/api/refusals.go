package api

import (
	"errors"
	"net"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"muster/manager/auth"
)

// tellRefusalsEvery is how often the log tells of the same refusal.
const tellRefusalsEvery = time.Minute

// refusals knows which refused logins the log was told of lately, so that whoever makes many does not fill it.
type refusals struct {
	told *lru.Cache[string, time.Time]
	now  func() time.Time
}

// again reports whether the log has the same already: the same error, to the same host. All that come too fast from a
// host are the same.
func (f refusals) again(r *http.Request, status int, err error) bool {
	if status != http.StatusUnauthorized && status != http.StatusTooManyRequests || err == nil {
		return false
	}
	host, _, splitErr := net.SplitHostPort(r.RemoteAddr)
	if splitErr != nil {
		host = r.RemoteAddr
	}
	why := err.Error()
	if _, ok := errors.AsType[*auth.TooManyError](err); ok {
		why = "too fast"
	}
	now, what := f.now(), host+" "+why
	if at, ok := f.told.Get(what); ok && now.Sub(at) < tellRefusalsEvery {
		return true
	}
	f.told.Add(what, now)
	return false
}
