package mongo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A found document is one as it is in the database.
type found struct {
	raw bson.Raw
}

// has is a field's value; null counts as nothing, as it does for Nebula's clients.
func (f found) has(field string) (bson.RawValue, bool) {
	value, err := f.raw.LookupErr(field)
	return value, err == nil && value.Type != bson.TypeNull
}

// decode makes a document of the fields that Muster knows.
func (k kind[T]) decode(f found) (T, error) {
	var none T
	defaults, err := json.Marshal(k.defaults)
	if err != nil {
		return none, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(defaults, &fields); err != nil {
		return none, err
	}
	for _, field := range k.fields {
		value, ok := f.has(field)
		if !ok {
			continue
		}
		if fields[field], err = k.json(field, value); err != nil {
			return none, fmt.Errorf("%s: %w", field, err)
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return none, err
	}
	return k.Decode(data)
}

// json is the JSON of a field.
func (k kind[T]) json(field string, value bson.RawValue) (json.RawMessage, error) {
	if k.dicts[field] && value.Type == bson.TypeString {
		return dictFromText(value)
	}
	if vars, ok := value.DocumentOK(); ok && field == "env_vars" {
		return plainVars(vars)
	}
	var text bytes.Buffer
	err := writeJSON(&text, value, plainOnly)
	switch {
	case field == "starting_ports":
		return plainPorts(text.Bytes()), err
	case field == "networks" && text.String() == `[""]`:
		return json.RawMessage("[]"), err // what Nebula's CLI makes of no networks
	}
	return text.Bytes(), err
}

// plainPorts takes the quotes off whole numbers in a list, which Nebula takes for ports as well, and makes of a
// dict of several ports, which Nebula's workers publish one by one, several dicts of one.
func plainPorts(list json.RawMessage) json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil {
		return list
	}
	plain := make([]json.RawMessage, 0, len(items))
	for _, item := range items {
		var dict map[string]json.RawMessage
		bare := bytes.Trim(item, `"`)
		switch {
		case json.Unmarshal(item, &dict) == nil && len(dict) > 1:
			for _, host := range slices.Sorted(maps.Keys(dict)) {
				one, err := json.Marshal(map[string]json.RawMessage{host: dict[host]})
				if err != nil {
					return list
				}
				plain = append(plain, one)
			}
		case json.Valid(bare) && bytes.Trim(bare, "0123456789") == nil:
			plain = append(plain, bare)
		default:
			plain = append(plain, item)
		}
	}
	if data, err := json.Marshal(plain); err == nil {
		return data
	}
	return list
}

// encode makes the fields of a document, in the order that they are declared in.
func (k kind[T]) encode(doc T) (fields bson.D, written T, err error) {
	data, written, err := k.Encode(doc)
	if err != nil {
		return nil, written, err
	}
	value, err := readJSON(data)
	if err != nil {
		return nil, written, fmt.Errorf("encode %s %q: %w", k.Singular, k.Name(doc), err)
	}
	fields = value.(bson.D) // every kind is a struct
	for i, field := range fields {
		if text, ok := field.Value.(string); ok && k.binary[field.Key] {
			fields[i].Value = bson.Binary{Data: []byte(text)}
		}
	}
	return fields, written, nil
}
