package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"unicode/utf8"

	"muster/topics"
)

// maxBody is the largest request body in bytes. Apps and device_groups that fit into a config are far
// smaller.
const maxBody = 1 << 20

var errBodyTooLarge = fieldErrorf("body", "must not be larger than %d bytes", maxBody)

// An object is the JSON object of a request body, its values still encoded.
type object map[string]json.RawMessage

// readObject reads the body of a request. No body at all gives nil.
func readObject(r *http.Request) (object, error) {
	if r.ContentLength > maxBody { // nothing of it is asked for
		return nil, errBodyTooLarge
	}
	data, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errBodyTooLarge
	case err != nil:
		return nil, fieldErrorf("body", "ended before it was complete")
	}
	return parseObject(data)
}

// parseObject parses what must be one JSON object in which no key is twice, at any depth: which of
// two values a client meant is not for us to guess. Nothing but white space gives nil.
func parseObject(data []byte) (object, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if !utf8.Valid(data) {
		return nil, fieldErrorf("body", "must be UTF-8")
	}
	if err := checkShape(data); err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		if field, ok := errors.AsType[*topics.FieldError](topics.DescribeJSON(err)); ok {
			return nil, fieldErrorf("body", "%s", field.Reason)
		}
		return nil, fieldErrorf("body", "is not JSON: %v", err)
	}
	if o == nil {
		return nil, fieldErrorf("body", "must be an object, not null")
	}
	if key, ok := duplicateKey(data); ok {
		return nil, fieldErrorf("body", "has the key %.80q twice", key)
	}
	return o, nil
}

// duplicateKey finds a key that an object in data, which must be valid JSON, has twice.
func duplicateKey(data []byte) (string, bool) {
	// A level is an open object, or an open list when it has no keys.
	type level struct {
		keys    map[string]bool
		keyNext bool
	}
	var open []*level
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return "", false // the end
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 {
			in := open[len(open)-1]
			if key, ok := token.(string); ok && in.keyNext {
				if in.keys[key] {
					return key, true
				}
				in.keys[key], in.keyNext = true, false
				continue
			}
			in.keyNext = in.keys != nil
		}
		switch token {
		case json.Delim('{'):
			open = append(open, &level{keys: map[string]bool{}, keyNext: true})
		case json.Delim('['):
			open = append(open, &level{})
		}
	}
}

// drop removes the fields that clients send back as they read them and that are not theirs to set.
func (o object) drop(fields ...string) {
	for _, f := range fields {
		delete(o, f)
	}
}

// refuseUnknown names the first field, in byte order, that is not among the known ones.
func (o object) refuseUnknown(known ...string) error {
	for _, f := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(known, f) {
			return fieldErrorf(f, "unknown field")
		}
	}
	return nil
}
