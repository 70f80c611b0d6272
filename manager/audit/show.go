package audit

import (
	"bytes"
	"encoding/json"
	"fmt"

	"muster/manager/authority"
	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// hidden stands where a secret is.
const hidden = "(hidden)"

// show is a document without its secrets, and its fields with them, to be compared. Neither is of use when
// there is no document.
func show(doc any) (shown json.RawMessage, fields map[string]any, err error) {
	var public any
	switch d := doc.(type) {
	case nil:
		return json.RawMessage("null"), nil, nil
	case topics.App:
		d.EnvVars = hideValues(d.EnvVars)
		public = d
	case topics.CronJob:
		d.EnvVars = hideValues(d.EnvVars)
		public = d
	case store.User:
		d.TokenSelector = "" // it goes with the token
		doc = d
		hide(&d.Password)
		hide(&d.Token)
		public = d
	case store.Identity:
		d.SecretHash = nil
		public = d
	case store.Token:
		public = struct {
			store.Token
			Hash string `json:"hash"`
		}{d, hidden}
	case store.DeviceGroup, store.UserGroup, fleet.Annotations, authority.Info:
		public = d
	default:
		return nil, nil, fmt.Errorf("what is secret in a %T is not known", doc)
	}
	if fields, err = fieldsOf(doc); err != nil {
		return nil, nil, err
	}
	shown, err = json.Marshal(public)
	return shown, fields, err
}

// hideValues keeps the names.
func hideValues(vars topics.EnvVars) topics.EnvVars {
	if vars == nil {
		return nil
	}
	names := make(topics.EnvVars, len(vars))
	for name := range vars {
		names[name] = hidden
	}
	return names
}

// hide leaves to be seen whether there is a secret.
func hide(secret *string) {
	if *secret != "" {
		*secret = hidden
	}
}

func fieldsOf(doc any) (fields map[string]any, err error) {
	encoded, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(encoded))
	dec.UseNumber() // or ids above 2^53 would be taken for equal
	err = dec.Decode(&fields)
	return fields, err
}
