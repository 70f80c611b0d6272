package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"muster/manager/auth"
	"muster/manager/enroll"
	"muster/manager/store"
	"muster/topics"
)

// Enrollment decides which devices have identities, as an [enroll.Desk] does.
type Enrollment interface {
	EnrollNamed(ctx context.Context, r topics.CertificateRequest) topics.CertificateReply
	// TokensChanged has the next request be judged by the tokens that there are now.
	TokensChanged()
	Approve(ctx context.Context, device, by string) (before, after store.Identity, err error)
	Revoke(ctx context.Context, device, by string) (before, after store.Identity, err error)
	Secret(ctx context.Context, r enroll.SecretRequest) (secret string, before, after store.Identity, err error)
	// Forget deletes the identity of a device, if it has one.
	Forget(ctx context.Context, device string) (before store.Identity, had bool, err error)
}

const (
	// enrollPath is for devices that have nothing but a token.
	enrollPath = "/api/v2/enroll"
	// maxEnroll is the largest request for a certificate in bytes.
	maxEnroll = topics.MaxCSR*2 + topics.MaxToken + 1<<10
	// enrolling is how many such requests are answered at a time.
	enrolling = 64
	// busyRetry is in how many seconds a device asks again that got no turn.
	busyRetry = 5
)

// strangers lets devices ask for a certificate, before anybody asks for credentials.
func (a *api) strangers(next http.Handler) http.Handler {
	turns := make(chan struct{}, enrolling)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != enrollPath || r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		traceFrom(r.Context()).route = enrollPath
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		status, reply := a.enroll(r.WithContext(ctx), turns)
		if reply.RetryIn > 0 {
			retryAfter(w, time.Duration(reply.RetryIn)*time.Second)
		}
		a.answer(w, r, status, reply)
	})
}

// enroll answers a request once it is there whole, when it gets one of the turns: who is slow to send it keeps nobody from theirs.
func (a *api) enroll(r *http.Request, turns chan struct{}) (status int, reply topics.CertificateReply) {
	request, err := readCertificateRequest(r)
	if err != nil {
		return http.StatusBadRequest, topics.CertificateReply{RequestID: request.RequestID, State: topics.Refused, Error: err.Error()}
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	default:
		return http.StatusServiceUnavailable, topics.CertificateReply{
			RequestID: request.RequestID, State: topics.Retry, Error: "too many requests, ask again later", RetryIn: busyRetry,
		}
	}
	reply = a.enrollment.EnrollNamed(r.Context(), request)
	return map[string]int{
		topics.Issued: http.StatusOK, topics.Pending: http.StatusAccepted, topics.Refused: http.StatusForbidden, topics.Retry: http.StatusServiceUnavailable,
	}[reply.State], reply
}

// readCertificateRequest reads the body of a request for a certificate. Errors hold nothing of the token.
func readCertificateRequest(r *http.Request) (request topics.CertificateRequest, err error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxEnroll+1))
	switch {
	case len(data) > maxEnroll:
		return request, fieldErrorf("body", "must not be larger than %d bytes", maxEnroll)
	case err != nil:
		return request, fieldErrorf("body", "ended before it was complete")
	}
	fields, err := parseObject(data)
	if err != nil {
		return request, err
	}
	if err := fields.refuseUnknown("request_id", "token", "csr"); err != nil {
		return request, err
	}
	return topics.ParseCertificateRequest(data)
}

// changingTokens is h, after which every token is judged by what it is then.
func (a *api) changingTokens(h handler) handler {
	return func(r *http.Request) (int, any, error) {
		defer a.enrollment.TokensChanged()
		return a.changingUsers(h)(r)
	}
}

// approveDevice lets a device in that waits for it.
func (a *api) approveDevice(r *http.Request) (int, any, error) {
	return a.decideOn(r, "approve", pathName(r, deviceKind.param), a.enrollment.Approve)
}

// revokeDevice shuts a device out.
func (a *api) revokeDevice(r *http.Request, device string) (int, any, error) {
	return a.decideOn(r, "revoke", device, a.enrollment.Revoke)
}

func (a *api) decideOn(r *http.Request, action, device string, decide func(ctx context.Context, device, by string) (before, after store.Identity, err error)) (int, any, error) {
	before, after, err := decide(r.Context(), device, auth.IdentityFrom(r.Context()).Name)
	switch {
	case errors.Is(err, enroll.ErrRevoked):
		return 0, nil, errRevoked
	case errors.Is(err, store.ErrNotFound):
		if invalid := deviceKind.invalid(device); invalid != nil {
			return 0, nil, invalid
		}
		return 0, nil, errNoIdentity
	case err != nil:
		return 0, nil, err
	}
	if before.State != after.State {
		if err := a.note(r, change{action, deviceKind, device, before, after}); err != nil {
			return 0, nil, err
		}
	}
	return a.getDevice(r, device)
}
