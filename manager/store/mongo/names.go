package mongo

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// write calls do with fields, and once more when the server refuses the names within them: then dicts with
// such names are JSON text. MongoDB takes names with a dot, and from 5.0 on names that begin with $; FerretDB
// takes neither, except in text.
func write(fields bson.D, do func(bson.D) error) error {
	err := do(fields)
	if !refusedContent(err) {
		return err
	}
	if plain, changed := asText(fields); changed {
		return do(plain)
	}
	return err
}

// refusedContent reports whether a server has refused what a write contains, for another reason than a key
// that is taken.
func refusedContent(err error) bool {
	var refused mongo.WriteException
	return errors.As(err, &refused) && len(refused.WriteErrors) > 0 && !mongo.IsDuplicateKeyError(err)
}

// asText replaces dicts that have a name with a dot or a dollar sign.
func asText(fields bson.D) (plain bson.D, changed bool) {
	for _, field := range fields {
		if dict, ok := field.Value.(bson.D); ok && hasSpecialName(dict) {
			if text, err := textOf(dict); err == nil {
				field.Value, changed = text, true
			}
		}
		plain = append(plain, field)
	}
	return plain, changed
}

func hasSpecialName(dict bson.D) bool {
	for _, field := range dict {
		if strings.HasPrefix(field.Key, "$") || strings.Contains(field.Key, ".") {
			return true
		}
	}
	return false
}

func textOf(dict bson.D) (string, error) {
	raw, err := bson.Marshal(dict)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	err = writeElements(&text, raw, '{', '}', plainOnly)
	return text.String(), err
}

// dictFromText is the JSON of a dict that was written as text.
func dictFromText(value bson.RawValue) (json.RawMessage, error) {
	text := []byte(value.StringValue())
	if !json.Valid(text) {
		return nil, errors.New("is text, not a dict")
	}
	return text, nil
}
