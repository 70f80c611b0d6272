package protocol

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// documentURL is what the schemas in the document are known as while they are compiled.
const documentURL = "file:///asyncapi.yaml"

// A document is docs/asyncapi.yaml.
type document struct {
	Channels   map[string]channel
	Operations map[string]operation
	Components struct {
		Messages map[string]message
		Schemas  map[string]map[string]any
	}
	compiler *jsonschema.Compiler
	any      any // all of it
}

type channel struct {
	Address     string
	Messages    map[string]reference
	Kind        string   `json:"x-kind"`
	Publishers  []string `json:"x-publishers"`
	Subscribers []string `json:"x-subscribers"`
	QoS         byte     `json:"x-qos"`
	Retained    bool     `json:"x-retained"`
}

type operation struct {
	Action   string
	Channel  reference
	Reply    struct{ Channel reference }
	Bindings struct {
		MQTT struct {
			QoS    byte
			Retain bool
		}
	}
}

type message struct {
	Payload  reference
	Examples []struct {
		Name    string
		Payload json.RawMessage
	}
}

type reference struct {
	Ref string `json:"$ref"`
}

// name is the last part of the reference.
func (r reference) name() string { return r.Ref[strings.LastIndex(r.Ref, "/")+1:] }

// readDocument reads the document, by way of JSON, which is what the schemas in it are about.
func readDocument(t testing.TB) *document {
	t.Helper()
	text, err := os.ReadFile("../../docs/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	d := new(document)
	if err := json.Unmarshal(encoded, d); err != nil {
		t.Fatal(err)
	}
	d.any = unmarshalAny(t, encoded)
	d.compiler = jsonschema.NewCompiler()
	d.compiler.DefaultDraft(jsonschema.Draft7)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(documentURL, d.any); err != nil {
		t.Fatal(err)
	}
	return d
}

// schema compiles one of the document's schemas.
func (d *document) schema(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	s, err := d.compiler.Compile(documentURL + "#/components/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func unmarshalAny(t testing.TB, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The document is what AsyncAPI's own schema says a document is. testdata/asyncapi-3.0.0.json is that of the npm package
// @asyncapi/specs 6.11.1 (Apache-2.0).
func TestDocumentIsAsyncAPI(t *testing.T) {
	d := readDocument(t)
	file, err := os.ReadFile("testdata/asyncapi-3.0.0.json")
	if err != nil {
		t.Fatal(err)
	}
	const official = "http://asyncapi.com/definitions/3.0.0/asyncapi.json"
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(official, unmarshalAny(t, file)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(official)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(d.any); err != nil {
		t.Errorf("docs/asyncapi.yaml: %v", err)
	}
	root := d.any.(map[string]any)
	delete(root["info"].(map[string]any), "version")
	if schema.Validate(root) == nil {
		t.Error("a document without a version is one as well: the schema is not the right one")
	}
}

// Every reference leads somewhere, and every schema, channel and message is used.
func TestReferences(t *testing.T) {
	d := readDocument(t)
	used := map[string]bool{}
	walk(d.any, func(object map[string]any) {
		ref, is := object["$ref"].(string)
		if !is {
			return
		}
		used[ref] = true
		if len(object) > 1 {
			t.Errorf("%s: what stands beside a $ref is ignored: %v", ref, object)
		}
		if _, there := lookup(d.any, ref); !there {
			t.Errorf("%s leads nowhere", ref)
		}
	})
	for name := range d.Components.Schemas {
		if !used["#/components/schemas/"+name] {
			t.Errorf("nothing refers to the schema %s", name)
		}
	}
	for name := range d.Components.Messages {
		if !used["#/components/messages/"+name] {
			t.Errorf("nothing refers to the message %s", name)
		}
	}
}

// walk calls f with every object below v.
func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, member := range v {
			walk(member, f)
		}
	case []any:
		for _, item := range v {
			walk(item, f)
		}
	}
}

// lookup follows a reference within the document.
func lookup(v any, ref string) (any, bool) {
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		object, is := v.(map[string]any)
		if !is {
			return nil, false
		}
		if v, is = object[step]; !is {
			return nil, false
		}
	}
	return v, true
}
