package api

import (
	"slices"
	"strings"
	"time"

	"muster/topics"
)

// name decodes a name that the check accepts.
func (v value) name(into *string, check func(string) error) error {
	var name string
	if err := v.string(&name); err != nil {
		return err
	}
	if err := check(name); err != nil {
		return fieldErrorf(v.field, "%s", strings.TrimPrefix(err.Error(), topics.ErrName.Error()+": "))
	}
	*into = name
	return nil
}

// oneOf decodes a string that is one of the words.
func (v value) oneOf(into *string, words ...string) error {
	var given string
	if err := v.string(&given); err != nil {
		return err
	}
	if !slices.Contains(words, given) {
		return fieldErrorf(v.field, "must be one of %q, is %.80q", words, given)
	}
	*into = given
	return nil
}

// within decodes a whole number from low to high.
func (v value) within(into *int64, low, high int64) error {
	if err := v.whole(into); err != nil {
		return err
	}
	if *into < low || *into > high {
		return fieldErrorf(v.field, "must be a whole number from %d to %d, is %d", low, high, *into)
	}
	return nil
}

// ttl decodes a time in seconds.
func (v value) ttl(into *time.Duration, longest time.Duration) error {
	var seconds int64
	err := v.within(&seconds, 1, int64(longest/time.Second))
	*into = time.Duration(seconds) * time.Second
	return err
}
