package api

import (
	"encoding/json"
	"maps"
	"slices"
)

// A value is a field of a request body, still encoded. Its methods decode it into what it must be. null is
// a wrong type like any other: a client that does not mean a field leaves it out.
type value struct {
	field string
	raw   json.RawMessage
}

func (v value) string(into *string) error { return v.decode(into, "a string") }

func (v value) bool(into *bool) error { return v.decode(into, "true or false") }

func (v value) decode(into any, want string) error {
	if v.isNull() || json.Unmarshal(v.raw, into) != nil {
		return v.wrongType(want)
	}
	return nil
}

// strings decodes a list of strings. It never gives nil.
func (v value) strings(into *[]string) error {
	var items []json.RawMessage
	if v.isNull() || json.Unmarshal(v.raw, &items) != nil {
		return v.wrongType("a list of strings")
	}
	list := make([]string, len(items))
	for i, item := range items {
		if one := (value{v.field, item}); one.string(&list[i]) != nil {
			return fieldErrorf(v.field, "must be a list of strings, not one with %s in it", one.kind())
		}
	}
	*into = list
	return nil
}

// whole decodes a number without decimals.
func (v value) whole(into *int64) error {
	if v.kind() != "a number" {
		return v.wrongType("a whole number")
	}
	if json.Unmarshal(v.raw, into) != nil {
		return fieldErrorf(v.field, "must be a whole number, is %.40s", v.raw)
	}
	return nil
}

// int is whole for what is an int.
func (v value) int(into *int) error {
	var n int64
	if err := v.whole(&n); err != nil {
		return err
	}
	if *into = int(n); int64(*into) != n {
		return fieldErrorf(v.field, "must be a whole number, is %.40s", v.raw)
	}
	return nil
}

// number decodes any number.
func (v value) number(into *float64) error {
	if v.kind() != "a number" {
		return v.wrongType("a number")
	}
	if json.Unmarshal(v.raw, into) != nil {
		return fieldErrorf(v.field, "must be a number, is %.40s", v.raw)
	}
	return nil
}

// texts decodes a dict of strings.
func (v value) texts(into *map[string]string) error {
	var items map[string]json.RawMessage
	if v.isNull() || json.Unmarshal(v.raw, &items) != nil {
		return v.wrongType("a dict of strings")
	}
	dict := make(map[string]string, len(items))
	for _, name := range slices.Sorted(maps.Keys(items)) {
		var text string
		if err := (value{v.field + "." + name, items[name]}).string(&text); err != nil {
			return err
		}
		dict[name] = text
	}
	*into = dict
	return nil
}

// mergeTexts decodes a dict of strings and nulls into one of strings: a null removes an entry.
func (v value) mergeTexts(into map[string]string) error {
	var items map[string]json.RawMessage
	if v.isNull() || json.Unmarshal(v.raw, &items) != nil {
		return v.wrongType("a dict of strings")
	}
	for _, name := range slices.Sorted(maps.Keys(items)) {
		one := value{v.field + "." + name, items[name]}
		if one.isNull() {
			delete(into, name)
			continue
		}
		var text string
		if err := one.string(&text); err != nil {
			return err
		}
		into[name] = text
	}
	return nil
}

// isList reports whether v is a list, of whatever.
func (v value) isList() bool { return v.raw[0] == '[' }

func (v value) isNull() bool { return v.raw[0] == 'n' }

func (v value) wrongType(want string) error {
	return fieldErrorf(v.field, "must be %s, not %s", want, v.kind())
}

// kind says in JSON's words what v is.
func (v value) kind() string {
	switch v.raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
