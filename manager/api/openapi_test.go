package api_test

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"muster/manager/api/openapi"
)

// notYet tells of paths that are documented ahead of their handlers.
var notYet = regexp.MustCompile("/audit(/|$)").MatchString

var methods = []string{"get", "post", "put", "patch", "delete"}

// operations calls visit for every operation of the document.
func (c *contract) operations(visit func(method, path string, op place)) {
	paths := c.root().at("paths")
	for _, path := range paths.keys() {
		for _, method := range methods {
			if op := paths.at(path, method); op.value != nil {
				visit(strings.ToUpper(method), path, op)
			}
		}
	}
}

// The document is OpenAPI 3.1, by a library that knows its rules.
func TestDocumentIsOpenAPI(t *testing.T) {
	data, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatal(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("openapi is %q", doc.OpenAPI)
	}
	if err := doc.Validate(context.Background(), openapi3.EnableMultiError()); err != nil {
		t.Error(err)
	}
}

// What is routed is documented, and what is documented is routed.
func TestEveryRouteIsDocumented(t *testing.T) {
	var routed, documented []string
	err := chi.Walk(newManager(t).handler.(chi.Routes), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routed = append(routed, method+" "+path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	theContract(t).operations(func(method, path string, _ place) { documented = append(documented, method+" "+path) })
	for _, one := range routed {
		if !slices.Contains(documented, one) {
			t.Errorf("%s is routed and not documented", one)
		}
	}
	for _, one := range documented {
		if !notYet(one) && !slices.Contains(routed, one) {
			t.Errorf("%s is documented and not routed", one)
		}
	}
}

// Every operation says what readers and generators of clients need.
func TestEveryOperationIsDescribed(t *testing.T) {
	c := theContract(t)
	var tags []string
	for _, tag := range c.root().at("tags").items() {
		tags = append(tags, tag.at("name").value.(string))
	}
	ids := map[string]bool{}
	c.operations(func(method, path string, op place) {
		t.Run(method+path, func(t *testing.T) {
			id, _ := op.at("operationId").value.(string)
			if id == "" || ids[id] {
				t.Errorf("operationId %q is missing or not the only one", id)
			}
			ids[id] = true
			for _, field := range []string{"summary", "description"} {
				if s, _ := op.at(field).value.(string); s == "" {
					t.Errorf("no %s", field)
				}
			}
			if of := op.at("tags").items(); len(of) != 1 || !slices.Contains(tags, of[0].value.(string)) {
				t.Errorf("tags %v, want one of %q", op.at("tags").value, tags)
			}
			params := append(op.at("parameters").items(), c.root().at("paths", path, "parameters").items()...)
			for segment := range strings.SplitSeq(path, "/") {
				if name, ok := strings.CutPrefix(segment, "{"); ok && !slices.ContainsFunc(params, func(p place) bool {
					return p.at("name").value == strings.TrimSuffix(name, "}") && p.at("in").value == "path" && p.at("required").value == true
				}) {
					t.Errorf("the parameter %s is not documented", segment)
				}
			}
		})
	})
}

// Every example is what its schema says, and there is one wherever JSON is sent or answered.
func TestExamples(t *testing.T) {
	c := theContract(t)
	checked := 0
	check := func(t *testing.T, what string, media place) {
		t.Helper()
		if media.value == nil {
			return
		}
		examples := map[string]place{}
		if one := media.at("example"); one.value != nil {
			examples["example"] = one
		}
		for _, name := range media.at("examples").keys() {
			examples[name] = media.at("examples", name, "value")
		}
		if len(examples) == 0 {
			t.Errorf("%s: no example", what)
		}
		for name, example := range examples {
			checked++
			if err := media.at("schema").validate(example.value); err != nil {
				t.Errorf("%s, %s: %v", what, name, err)
			}
		}
	}
	c.operations(func(method, path string, op place) {
		t.Run(method+path, func(t *testing.T) {
			check(t, "request", op.at("requestBody", "content", "application/json"))
			for _, status := range op.at("responses").keys() {
				check(t, status, op.at("responses", status, "content", "application/json"))
			}
			for _, param := range append(op.at("parameters").items(), c.root().at("paths", path, "parameters").items()...) {
				if example := param.at("example"); example.value == nil {
					t.Errorf("parameter %s: no example", param.at("name").value)
				} else if err := param.at("schema").validate(example.value); err != nil {
					t.Errorf("parameter %s: %v", param.at("name").value, err)
				}
			}
		})
	})
	for _, name := range c.root().at("components", "schemas").keys() {
		schema := c.root().at("components", "schemas", name)
		for i, example := range schema.at("examples").items() {
			checked++
			if err := schema.validate(example.value); err != nil {
				t.Errorf("schema %s, example %d: %v", name, i, err)
			}
		}
		if def := schema.at("default"); def.value != nil {
			checked++
			if err := schema.validate(def.value); err != nil {
				t.Errorf("schema %s, default: %v", name, err)
			}
		}
	}
	for _, name := range c.root().at("components", "responses").keys() {
		check(t, "response "+name, c.root().at("components", "responses", name, "content", "application/json"))
	}
	if checked < 100 {
		t.Errorf("only %d examples", checked)
	}
}

// The same parts give the same bytes.
func TestDocumentIsDeterministic(t *testing.T) {
	first, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if again, err := openapi.Document(); err != nil || !bytes.Equal(again, first) {
			t.Fatalf("differs: %v", err)
		}
	}
}
