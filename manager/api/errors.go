package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"muster/broker/client"
	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics"
)

// This file is the one place that says what an error means to a client.

// A refusal is an error whose answer is known: a status and a body with one field.
type refusal struct {
	status int
	field  string
	value  any
}

func (e *refusal) Error() string { return fmt.Sprintf("%d %s: %v", e.status, e.field, e.value) }

// Refusals in Nebula's words.
var (
	errNotAllowed       = &refusal{http.StatusForbidden, "access_allowed", false}
	errNotRunning       = &refusal{http.StatusForbidden, "running_before_restart", false}
	errNothingGiven     = &refusal{http.StatusBadRequest, "missing_parameters", true}
	errAppsNotAList     = &refusal{http.StatusBadRequest, "apps_is_list", false}
	errCronJobsNotAList = &refusal{http.StatusBadRequest, "cron_jobs_is_list", false}
	errNoSuchApp        = &refusal{http.StatusForbidden, "app_exists", false}
	errNoSuchCronJob    = &refusal{http.StatusForbidden, "cron_job_exists", false}
)

// Refusals of Muster's own.
var (
	errNoSuchConfig = &refusal{http.StatusForbidden, "config_exists", false}
	errNoIdentity   = &refusal{http.StatusForbidden, "identity_exists", false}
	errRevoked      = &refusal{http.StatusForbidden, "identity_revoked", true}
	errNoPath       = &refusal{http.StatusNotFound, "error", "no such path"}
	errReservedName = &refusal{http.StatusBadRequest, "invalid_name", "is the local admin's"}
	errMethod       = &refusal{http.StatusMethodNotAllowed, "error", "the path does not have this method"}
	errCrossOrigin  = &refusal{http.StatusForbidden, "error", "a page of another origin may not change anything"}
)

// errUnrecorded says that a change is in force of which the audit trail knows nothing.
var errUnrecorded = errors.New("the change is made, but not in the audit trail")

// statusClientGone is for the log alone: nobody is there to be answered. The number is nginx's.
const statusClientGone = 499

// fieldErrorf names a field of the body that is wrong.
func fieldErrorf(field, format string, args ...any) error {
	return &topics.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// A partialError is an error that came when some of the work was done, and has what was.
type partialError struct {
	err   error
	field string
	done  any
}

func (e *partialError) Error() string { return "not all is done: " + e.err.Error() }

func (e *partialError) Unwrap() error { return e.err }

// A kind of documents.
type kind struct {
	// word is the word for one document, plural that for the list of all, and param the part of a path that
	// names one.
	word, plural, param string
	// exists is what clients are told by of whether one exists.
	exists string
	// checkName reports why none may have that name.
	checkName func(string) error
}

var (
	appKind     = kind{"app", "apps", "app", "app_exists", topics.CheckAppName}
	cronJobKind = kind{"cron_job", "cron_jobs", "cron_job", "cron_job_exists", topics.CheckAppName}
	groupKind   = kind{"device_group", "device_groups", "group", "device_group_exists", topics.CheckName}

	deviceKind = kind{"device", "devices", "device", "device_exists", topics.CheckName}

	tokenKind = kind{"token", "tokens", "token", "token_exists", checkTokenID}

	authorityKind = kind{"authority", "authorities", "authority", "authority_exists", checkAuthorityID}

	userKind      = kind{"user", "users", "user", "user_exists", auth.CheckUserName}
	userGroupKind = kind{"user_group", "user_groups", "user_group", "user_group_exists", auth.CheckUserName}
	// changedUserKind misses a user in the words that Nebula has for it where one is changed.
	changedUserKind = kind{"user", "users", "user", "user_name", auth.CheckUserName}
)

// invalid reports why no new document of the kind can have that name.
func (k kind) invalid(name string) error {
	err := k.checkName(name)
	if err == nil {
		return nil
	}
	why := strings.TrimPrefix(err.Error(), topics.ErrName.Error()+": ")
	return &refusal{http.StatusBadRequest, "invalid_name", why}
}

// about says which document an error of the store is about. A document that is not there is a refusal
// of its name when it could never be there.
func (k kind) about(name string, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		if invalid := k.invalid(name); invalid != nil {
			return invalid
		}
		return &refusal{http.StatusForbidden, k.exists, false}
	case errors.Is(err, store.ErrExists):
		return &refusal{http.StatusForbidden, k.exists, true}
	}
	return err // the store's own names the document
}

// answerTo is the status and body that tell a client about err. Whatever is not the client's doing is
// told as no more than that, with the request's id to find it in the log by.
func (a *api) answerTo(ctx context.Context, err error, requestID string) (int, map[string]any) {
	var (
		partial     *partialError
		refused     *refusal
		badSchedule *scheduleError
		unreadable  *store.UnreadableError
		field       *topics.FieldError
		tooMany     *auth.TooManyError
		tooOften    *tooOftenError
	)
	switch {
	case errors.As(err, &partial):
		status, body := a.answerTo(ctx, partial.err, requestID)
		body[partial.field] = partial.done
		return status, body
	case errors.Is(err, errUnrecorded): // not 503, after which clients try again and make the change twice
		return http.StatusInternalServerError, internal(errUnrecorded.Error(), requestID)
	case errors.As(err, &refused):
		return refused.status, map[string]any{refused.field: refused.value}
	case errors.As(err, &badSchedule):
		return http.StatusBadRequest, map[string]any{"schedule_valid": false, badSchedule.why.Field: badSchedule.why.Reason}
	case errors.As(err, &field):
		status := http.StatusBadRequest
		if errors.Is(err, topics.ErrPortList) {
			status = http.StatusForbidden // Nebula's choice
		}
		return status, map[string]any{field.Field: field.Reason}
	case errors.As(err, &tooMany):
		return http.StatusTooManyRequests, map[string]any{"error": "too many wrong credentials, try again later"}
	case errors.As(err, &tooOften):
		return http.StatusTooManyRequests, map[string]any{"error": "too many requests, try again later"}
	case errors.As(err, &unreadable):
		// Not the client's doing, and for an admin to repair.
		return http.StatusInternalServerError, internal(unreadable.Error(), requestID)
	case errors.Is(err, auth.ErrDenied):
		return http.StatusUnauthorized, map[string]any{"error": "credentials are missing or wrong"}
	case errors.Is(err, context.Canceled):
		return statusClientGone, map[string]any{"error": "the client is gone"}
	case a.unavailable(ctx, err):
		return http.StatusServiceUnavailable, internal("unavailable, try again later", requestID)
	}
	return http.StatusInternalServerError, internal("internal error", requestID)
}

func internal(what, requestID string) map[string]any {
	return map[string]any{"error": what, "request_id": requestID}
}

// unavailable reports whether err may pass by itself: the request ran out of time, or the broker cannot be reached or the store
// cannot be used right now.
func (a *api) unavailable(ctx context.Context, err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, client.ErrNotConnected) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return a.store.Ping(ctx) != nil
}
