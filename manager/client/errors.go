package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// What an [Error] means, for errors.Is.
var (
	// ErrNotFound says that the object that the call is about does not exist.
	ErrNotFound = errors.New("does not exist")
	// ErrExists says that the object to be created exists already.
	ErrExists = errors.New("exists already")
	// ErrDenied says that credentials are missing or wrong.
	ErrDenied = errors.New("credentials are missing or wrong")
	// ErrNotAllowed says that the caller is known and has no right to make the call.
	ErrNotAllowed = errors.New("not allowed")
)

// An Error is a manager's refusal of a call.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Field is what the refusal is about in the API's words, such as "app_exists" or "docker_image", and
	// Reason what it says of it: its text, or else its JSON. Both are empty when the answer was none of a
	// manager's.
	Field, Reason string
	// Kind ("app") and Name are those of the object that the call is about. Name is empty for a list.
	Kind, Name string
	// RequestID is what the manager's log has the request under.
	RequestID string

	answer   map[string]json.RawMessage
	sentence string
	meaning  error
}

// Error is one sentence for people.
func (e *Error) Error() string { return e.sentence }

// Unwrap gives what the refusal means: one of this package's errors, or nil.
func (e *Error) Unwrap() error { return e.meaning }

// newError reads what a manager, or something in front of it, answered.
func newError(what call, response *http.Response, content []byte) error {
	id := cmp.Or(response.Header.Get("X-Request-Id"), response.Request.Header.Get("X-Request-Id"))
	e := &Error{Status: response.StatusCode, Kind: what.kind, Name: what.name, RequestID: id}
	if json.Unmarshal(content, &e.answer) == nil && len(e.answer) > 0 {
		e.Field = "error" // what else there is was done in spite of it, or is beside the point
		if e.answer[e.Field] == nil {
			e.Field = slices.Min(slices.Collect(maps.Keys(e.answer)))
		}
		e.Reason = text(e.answer[e.Field])
	}
	e.sentence, e.meaning = e.explain(what, response)
	return e
}

// text is a string without its quotes, or the JSON of anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// explain finds the words for people, and what errors.Is is to find.
func (e *Error) explain(what call, response *http.Response) (sentence string, meaning error) {
	subject := object(e.Kind, e.Name)
	kind, about := strings.CutSuffix(e.Field, "_exists")
	missing := e.Field == "user_name" && e.Reason == "false" // Nebula's word where a user is updated or refreshed
	switch {
	case e.Status == http.StatusUnauthorized:
		return ErrDenied.Error(), ErrDenied
	case e.Field == "access_allowed":
		return fmt.Sprintf("%v: %v", ErrNotAllowed, what), ErrNotAllowed
	case missing, about && kind == e.Kind && e.Reason == "false":
		return fmt.Sprintf("%s %v", subject, ErrNotFound), ErrNotFound
	case about && kind == e.Kind && e.Reason == "true":
		return fmt.Sprintf("%s %v", subject, ErrExists), ErrExists
	case e.Field == "config_exists":
		return fmt.Sprintf("%s has no such config", subject), ErrNotFound
	}
	if words, ok := e.words(); ok {
		return subject + ": " + words, nil
	}
	switch {
	case about && e.Reason == "false":
		return fmt.Sprintf("%s: one of its %ss does not exist", subject, kind), nil
	case e.Field == "":
		return fmt.Sprintf("%v: %s answers %s, which is not what a manager says", what, response.Request.URL.Host, response.Status), nil
	case e.Field == "error" && e.Status >= 500:
		return fmt.Sprintf("%v: %s (request %s)", what, e.Reason, e.RequestID), nil
	case e.Field == "error" && e.Name != "" && strings.HasPrefix(e.Reason, subject+": "):
		return e.Reason, nil
	case e.Field == "error":
		return fmt.Sprintf("%v: %s", what, e.Reason), nil
	}
	return fmt.Sprintf("%s: %s: %s", subject, e.Field, e.Reason), nil
}

// words are those for refusals whose field and value say too little to people.
func (e *Error) words() (string, bool) {
	switch list, isList := strings.CutSuffix(e.Field, "_is_list"); {
	case e.Field == "running_before_restart":
		return "is not running, so that there is nothing to restart", true
	case e.Field == "missing_parameters" && e.Reason == "true":
		return "nothing is given to set", true
	case e.Field == "missing_parameters":
		return "must be given: " + strings.Join(strings.FieldsFunc(e.Reason, func(r rune) bool { return strings.ContainsRune(`[]", `, r) }), ", "), true
	case e.Field == "invalid_name":
		return "invalid name: " + e.Reason, true
	case e.Field == "identity_exists":
		return "has no identity: it has not enrolled", true
	case e.Field == "identity_revoked":
		return "was revoked, which cannot be taken back: delete it, and have it enroll anew", true
	case e.Field == "schedule_valid":
		return "schedule: must have five fields as in crontab(5)", true
	case isList:
		return list + ": must be a list", true
	}
	return "", false
}
