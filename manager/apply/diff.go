package apply

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// A Difference is one field that is not what it should be.
type Difference struct {
	// Field is the field's name, with the name of the variable behind it in env_vars.
	Field string `json:"field"`
	// Before and After are the field's values as JSON; nil where there is none. Both are nil in env_vars,
	// whose values are secrets for all that anybody knows.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// differences are those of two objects, in the order of the fields' names.
func differences(before, after fields) []Difference {
	var all []Difference
	either := maps.Clone(before)
	maps.Copy(either, after)
	for _, field := range slices.Sorted(maps.Keys(either)) {
		if reflect.DeepEqual(before[field], after[field]) {
			continue
		}
		if field == "env_vars" {
			all = append(all, changedVariables(before[field], after[field])...)
			continue
		}
		all = append(all, Difference{field, encoded(before, field), encoded(after, field)})
	}
	return all
}

func changedVariables(before, after any) []Difference {
	was, _ := before.(map[string]any)
	is, _ := after.(map[string]any)
	names := map[string]any{}
	maps.Copy(names, is)
	maps.Copy(names, was)
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		had, before := was[name]
		has, after := is[name]
		if before != after || had != has {
			all = append(all, Difference{Field: "env_vars." + name})
		}
	}
	return all
}

// encoded is a field as JSON, nil when it is not there.
func encoded(f fields, field string) json.RawMessage {
	value, ok := f[field]
	if !ok {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // it has been decoded from JSON
	}
	return text
}

// unchanged are the fields of after that are not among the changed ones.
func unchanged(after, changed fields) map[string]bool {
	same := map[string]bool{}
	for field := range after {
		_, differs := changed[field]
		same[field] = !differs
	}
	return same
}

// changedFields are the fields of after that differ.
func changedFields(before, after fields) fields {
	changed := fields{}
	for field, value := range after {
		if !reflect.DeepEqual(before[field], value) {
			changed[field] = value
		}
	}
	return changed
}
