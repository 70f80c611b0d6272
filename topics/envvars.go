package topics

import (
	"bytes"
	"encoding/json"
	"strings"
)

// EnvVars are the environment variables of a container, by name.
//
// A nil EnvVars is written as [], as Nebula does after an update that left env_vars out; an empty one
// as {}. Both are read wherever env_vars is.
type EnvVars map[string]string

// MarshalJSON writes a dict with its keys in order, or [] for nil.
func (e EnvVars) MarshalJSON() ([]byte, error) {
	if e == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(map[string]string(e))
}

// UnmarshalJSON reads a dict or an empty list. Values may be strings, or numbers, which are kept as their text, or
// booleans, which become True and False: with Nebula, whose workers are Python programs, containers get to see
// that. Errors are [FieldError]s.
func (e *EnvVars) UnmarshalJSON(data []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && len(list) == 0 {
		*e = nil
		return nil
	}
	var dict map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&dict); err != nil {
		return fieldErrorf("env_vars", "must be a dict of names and values")
	}
	vars := make(EnvVars, len(dict))
	for name, value := range dict {
		switch value := value.(type) {
		case string:
			vars[name] = value
		case json.Number:
			vars[name] = value.String()
		case bool:
			vars[name] = "False"
			if value {
				vars[name] = "True"
			}
		default:
			return fieldErrorf("env_vars."+name, "must be a string, a number, true or false")
		}
	}
	*e = vars
	return e.check()
}

func (e EnvVars) check() error {
	for name, value := range e {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			return fieldErrorf("env_vars."+name, "the name must not be empty nor contain '=', and neither part may contain NUL")
		}
	}
	return nil
}
