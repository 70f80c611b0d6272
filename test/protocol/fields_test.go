package protocol

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/topics"
)

// payloads are the Go types of the document's messages.
var payloads = map[string]reflect.Type{
	"Config":   reflect.TypeFor[topics.Config](),
	"Summary":  reflect.TypeFor[topics.Summary](),
	"Checkin":  reflect.TypeFor[topics.CheckinRequest](),
	"Reply":    reflect.TypeFor[topics.CheckinReply](),
	"Status":   reflect.TypeFor[topics.Status](),
	"Report":   reflect.TypeFor[topics.Report](),
	"Progress": reflect.TypeFor[topics.Progress](),
	"Presence": reflect.TypeFor[topics.Presence](),

	"CertificateRequest": reflect.TypeFor[topics.CertificateRequest](),
	"CertificateReply":   reflect.TypeFor[topics.CertificateReply](),
}

// Every field that a payload of the package topics has is in the document, with its type, and the other way round.
func TestFields(t *testing.T) {
	d := readDocument(t)
	if got, want := slices.Sorted(maps.Keys(d.Components.Messages)), slices.Sorted(maps.Keys(payloads)); !slices.Equal(got, want) {
		t.Fatalf("messages are %q, want %q", got, want)
	}
	for name, m := range d.Components.Messages {
		t.Run(name, func(t *testing.T) {
			d.compare(t, name, m.Payload.name(), payloads[name])
		})
	}
}

// compare holds the schema called name to the type of a struct, and what is in it as well.
func (d *document) compare(t *testing.T, path, name string, typ reflect.Type) {
	schema := d.flat(t, d.Components.Schemas[name])
	described, _ := schema["properties"].(map[string]any)
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(typ) {
		if json, _, _ := strings.Cut(f.Tag.Get("json"), ","); json != "" {
			fields[json] = f.Type
		}
	}
	for field, of := range fields {
		property, there := described[field].(map[string]any)
		if !there {
			t.Errorf("docs/asyncapi.yaml: the schema %s lacks %q of topics.%s (%s)", name, field, typ.Name(), path)
			continue
		}
		d.compareValue(t, path+"."+field, property, of)
	}
	for field := range described {
		if fields[field] == nil {
			t.Errorf("docs/asyncapi.yaml: the schema %s has %q, and topics.%s has not (%s)", name, field, typ.Name(), path)
		}
	}
}

// compareValue holds what a field's schema says to the field's type.
func (d *document) compareValue(t *testing.T, path string, property map[string]any, typ reflect.Type) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	schema := d.flat(t, property)
	if got, want := schema["type"], jsonType(typ); got != want && want != "" {
		t.Errorf("docs/asyncapi.yaml: %s is of type %v, want %v", path, got, want)
		return
	}
	switch {
	case typ == reflect.TypeFor[time.Time]():
		if schema["format"] != "date-time" {
			t.Errorf("docs/asyncapi.yaml: %s is no date-time", path)
		}
	case jsonType(typ) == "": // it writes itself as JSON: examples have to do
	case typ.Kind() == reflect.Struct:
		d.compare(t, path, property["$name"].(string), typ)
	case typ.Kind() == reflect.Slice:
		items, _ := schema["items"].(map[string]any)
		d.compareValue(t, path+"[]", d.named(items), typ.Elem())
	case typ.Kind() == reflect.Map:
		values, _ := schema["additionalProperties"].(map[string]any)
		d.compareValue(t, path+"{}", d.named(values), typ.Elem())
	}
}

// jsonType is what JSON calls a type; empty when the type says so itself, or is anything.
func jsonType(typ reflect.Type) string {
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return "string"
	case typ == reflect.TypeFor[json.RawMessage](), typ == reflect.TypeFor[topics.EnvVars](),
		typ == reflect.TypeFor[topics.Ports](), typ == reflect.TypeFor[topics.ContainersPer]():
		return ""
	}
	switch typ.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "array"
	}
	return "object"
}

// flat is a schema with what it refers to, and with what is in its allOf, as if it stood there. Its properties know the names
// of the schemas that they refer to, as "$name".
func (d *document) flat(t *testing.T, schema map[string]any) map[string]any {
	schema = d.named(schema)
	flat := maps.Clone(schema)
	properties := map[string]any{}
	parts, _ := schema["allOf"].([]any)
	for _, part := range parts {
		for key, value := range d.flat(t, part.(map[string]any)) {
			if _, there := flat[key]; key == "properties" {
				maps.Copy(properties, value.(map[string]any))
			} else if !there {
				flat[key] = value
			}
		}
	}
	own, _ := schema["properties"].(map[string]any)
	for name, property := range own {
		properties[name] = merged(properties[name], d.named(property.(map[string]any)))
	}
	if len(properties) > 0 {
		flat["properties"] = properties
	}
	return flat
}

// merged is a property that a schema narrows.
func merged(general any, own map[string]any) map[string]any {
	all := map[string]any{}
	if general, is := general.(map[string]any); is {
		maps.Copy(all, general)
	}
	maps.Copy(all, own)
	return all
}

// named is the schema itself, or the one that it refers to with its name in "$name".
func (d *document) named(schema map[string]any) map[string]any {
	ref, is := schema["$ref"].(string)
	if parts, all := schema["allOf"].([]any); all && len(parts) == 1 && schema["properties"] == nil {
		ref, is = parts[0].(map[string]any)["$ref"].(string)
	}
	if !is {
		return schema
	}
	name := reference{ref}.name()
	named := maps.Clone(d.Components.Schemas[name])
	named["$name"] = name
	return named
}
