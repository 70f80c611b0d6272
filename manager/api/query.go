package api

import (
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"muster/manager/devices"
	"muster/manager/fleet"
)

// A query reads the parameters behind the '?' of a request. The first one that is wrong decides the error,
// after which every parameter reads as its zero value.
type query struct {
	values url.Values
	err    error
}

func readQuery(r *http.Request) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &query{err: fieldErrorf("query", "cannot be read: %v", err)}
	}
	return &query{values: values}
}

// has reports whether a parameter is given.
func (q *query) has(name string) bool { return q.values.Has(name) }

// text is a parameter that must not be empty, or "" when it is left out.
func (q *query) text(name string) string {
	given, ok := q.values[name]
	delete(q.values, name) // what is left in the end is unknown
	switch {
	case q.err != nil || !ok:
		return ""
	case len(given) > 1:
		q.refuse(name, "must be given once")
		return ""
	case given[0] == "":
		q.refuse(name, "must not be empty: leave it out instead")
		return ""
	}
	return given[0]
}

// oneOf is a parameter that must be one of the words, or "" when it is left out.
func (q *query) oneOf(name string, words ...string) string {
	given := q.text(name)
	if given != "" && !slices.Contains(words, given) {
		q.refuse(name, "must be one of %q, is %.80q", words, given)
		return ""
	}
	return given
}

// valid is a parameter that a check accepts, or "" when it is left out. want says what it must be.
func (q *query) valid(name, want string, check func(string) bool) string {
	given := q.text(name)
	if given != "" && !check(given) {
		q.refuse(name, "must be %s, is %.80q", want, given)
		return ""
	}
	return given
}

// number is a whole number from low to high, or otherwise when it is left out.
func (q *query) number(name string, otherwise, low, high int64) int64 {
	given := q.text(name)
	if given == "" {
		return otherwise
	}
	n, err := wholeNumber(name, given, low, high)
	if err != nil {
		q.err = err
		return 0
	}
	return n
}

// bool is true or false, or nil when it is left out.
func (q *query) bool(name string) *bool {
	given := q.oneOf(name, "true", "false")
	if given == "" {
		return nil
	}
	is := given == "true"
	return &is
}

// labels is a parameter that may be given several times: KEY, or KEY=VALUE.
func (q *query) labels(name string) (labels []devices.LabelQuery) {
	given := q.values[name]
	delete(q.values, name)
	for _, text := range given {
		key, value, valued := strings.Cut(text, "=")
		if err := fleet.CheckLabelKey(name, key); err != nil {
			if q.err == nil {
				q.err = err
			}
			return nil
		}
		one := devices.LabelQuery{Key: key}
		if valued {
			one.Value = &value
		}
		labels = append(labels, one)
	}
	return labels
}

// pageSize is how many entries a page has at most.
func (q *query) pageSize(otherwise, high int64) int {
	return int(q.number("page_size", otherwise, 1, high))
}

// done is the error of the first parameter that was wrong, or that nobody has asked for.
func (q *query) done() error {
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		q.refuse(name, "unknown parameter")
	}
	return q.err
}

// refuse keeps the first error.
func (q *query) refuse(name, format string, args ...any) {
	if q.err == nil {
		q.err = fieldErrorf(name, format, args...)
	}
}

// wholeNumber reads a number in decimal digits from low to high. The error is a [topics.FieldError].
func wholeNumber(name, given string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(given, 10, 64)
	switch {
	case err == nil && n >= low && n <= high:
		return n, nil
	case high == math.MaxInt64 && low == math.MinInt64:
		return 0, fieldErrorf(name, "must be a whole number, is %.80q", given)
	case high == math.MaxInt64:
		return 0, fieldErrorf(name, "must be a whole number of %d or more, is %.80q", low, given)
	}
	return 0, fieldErrorf(name, "must be a whole number from %d to %d, is %.80q", low, high, given)
}

// page cuts what was read, one more than size if there are as many, to size entries, and says whether
// there are more.
func page[T any](read []T, size int) (entries []T, more bool) {
	if len(read) <= size {
		return read, false
	}
	return read[:size], true
}
