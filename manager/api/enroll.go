package api

import (
	"context"
	"errors"
	"io"
	"net/http"

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
)

// strangers lets devices ask for a certificate, before anybody asks for credentials.
func (a *api) strangers(next http.Handler) http.Handler {
	turn := make(chan struct{}, enrolling)
	answer := a.handle(a.enroll)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != enrollPath || r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		traceFrom(r.Context()).route = enrollPath
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
			answer(w, r)
		default:
			a.answer(w, r, http.StatusServiceUnavailable, topics.CertificateReply{State: topics.Retry, Error: "too many requests, ask again later"})
		}
	})
}

func (a *api) enroll(r *http.Request) (int, any, error) {
	request, err := readCertificateRequest(r)
	if err != nil {
		return http.StatusBadRequest, topics.CertificateReply{RequestID: request.RequestID, State: topics.Refused, Error: err.Error()}, nil //nolint:nilerr // the answer tells it
	}
	reply := a.enrollment.EnrollNamed(r.Context(), request)
	status := map[string]int{
		topics.Issued: http.StatusOK, topics.Pending: http.StatusAccepted, topics.Refused: http.StatusForbidden, topics.Retry: http.StatusServiceUnavailable,
	}[reply.State]
	return status, reply, nil
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
