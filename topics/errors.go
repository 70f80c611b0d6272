package topics

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A FieldError says which field of a payload or document is wrong and what was expected instead.
type FieldError struct {
	// Field is the JSON name of the field, with the path to it when it is nested ("apps[2].docker_image").
	Field string
	// Reason says what is wrong or what was expected, in a few words without a final stop.
	Reason string
	cause  error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

// Unwrap gives the error that Reason was taken from, if there was one.
func (e *FieldError) Unwrap() error { return e.cause }

// fieldError names the field that err is about.
func fieldError(field string, err error) error {
	return &FieldError{Field: field, Reason: err.Error(), cause: err}
}

func fieldErrorf(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// within puts the name of an enclosing field in front of the one err names.
func within(field string, err error) error {
	var fe *FieldError
	if !errors.As(err, &fe) {
		return err
	}
	if strings.HasPrefix(fe.Field, "[") {
		return &FieldError{Field: field + fe.Field, Reason: fe.Reason, cause: fe.cause}
	}
	return &FieldError{Field: field + "." + fe.Field, Reason: fe.Reason, cause: fe.cause}
}

// unmarshal decodes one JSON object and turns the decoder's complaints into a [FieldError].
func unmarshal(payload []byte, into any) error {
	if len(payload) > MaxPayload {
		return fieldErrorf("payload", "is %d bytes, at most %d are allowed", len(payload), MaxPayload)
	}
	err := json.Unmarshal(payload, into)
	if clock := new(time.ParseError); errors.As(err, &clock) {
		field := "at"
		if _, config := into.(*Config); config {
			field = "issued_at"
		}
		return fieldErrorf(field, "must be a time such as 2026-01-31T23:59:59Z, is %.40q", clock.Value)
	}
	return DescribeJSON(err)
}

// DescribeJSON turns an error of encoding/json into a [FieldError] that names the field and what was
// expected, in words that do not depend on Go. Other errors, and nil, are returned as they are.
func DescribeJSON(err error) error {
	var (
		syntax *json.SyntaxError
		typ    *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax):
		return fieldErrorf("payload", "is not JSON: %v (at byte %d)", syntax, syntax.Offset)
	case errors.As(err, &typ):
		field := typ.Field
		for _, embedded := range []string{"Version.", "Content.", "ContainerOptions.", "AppOptions."} {
			field = strings.ReplaceAll(field, embedded, "")
		}
		if field == "" {
			field = "payload"
		}
		return fieldErrorf(field, "must be %s, not %s", jsonKind(typ), typ.Value)
	}
	return err
}

func jsonKind(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "an integer in range"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "bool":
		return "true or false"
	case kind == "slice":
		return "a list"
	case kind == "map", kind == "struct":
		return "an object"
	default:
		return "a " + kind
	}
}
