package api_test

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"muster/manager/api/openapi"
	"muster/manager/api/openapi/openapitest"
)

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
	err := chi.Walk(wholeAPI(t, &somebody{}).(chi.Routes), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routed = append(routed, method+" "+path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	openapitest.Load(t).Operations(func(method, path string, op openapitest.Place) {
		if op.At("x-right").Value != "nobody" { // what needs no login is not the router's
			documented = append(documented, method+" "+path)
		}
	})
	for _, one := range routed {
		if !slices.Contains(documented, one) {
			t.Errorf("%s is routed and not documented", one)
		}
	}
	for _, one := range documented {
		if !slices.Contains(routed, one) {
			t.Errorf("%s is documented and not routed", one)
		}
	}
}

// Every operation says what readers and generators of clients need.
func TestEveryOperationIsDescribed(t *testing.T) {
	c := openapitest.Load(t)
	var tags []string
	for _, tag := range c.Root().At("tags").Items() {
		tags = append(tags, tag.At("name").Value.(string))
	}
	ids := map[string]bool{}
	c.Operations(func(method, path string, op openapitest.Place) {
		t.Run(method+path, func(t *testing.T) {
			id, _ := op.At("operationId").Value.(string)
			if id == "" || ids[id] {
				t.Errorf("operationId %q is missing or not the only one", id)
			}
			ids[id] = true
			for _, field := range []string{"summary", "description"} {
				if s, _ := op.At(field).Value.(string); s == "" {
					t.Errorf("no %s", field)
				}
			}
			if of := op.At("tags").Items(); len(of) != 1 || !slices.Contains(tags, of[0].Value.(string)) {
				t.Errorf("tags %v, want one of %q", op.At("tags").Value, tags)
			}
			params := c.Parameters(path, op)
			for segment := range strings.SplitSeq(path, "/") {
				if name, ok := strings.CutPrefix(segment, "{"); ok && !slices.ContainsFunc(params, func(p openapitest.Place) bool {
					return p.At("name").Value == strings.TrimSuffix(name, "}") && p.At("in").Value == "path" && p.At("required").Value == true
				}) {
					t.Errorf("the parameter %s is not documented", segment)
				}
			}
		})
	})
}

// Every example is what its schema says, and there is one wherever JSON is sent or answered.
func TestExamples(t *testing.T) {
	c := openapitest.Load(t)
	checked := 0
	check := func(t *testing.T, what string, media openapitest.Place) {
		t.Helper()
		if media.Value == nil {
			return
		}
		examples := map[string]openapitest.Place{}
		if one := media.At("example"); one.Value != nil {
			examples["example"] = one
		}
		for _, name := range media.At("examples").Keys() {
			examples[name] = media.At("examples", name, "value")
		}
		if len(examples) == 0 {
			t.Errorf("%s: no example", what)
		}
		for name, example := range examples {
			checked++
			if err := media.At("schema").Validate(example.Value); err != nil {
				t.Errorf("%s, %s: %v", what, name, err)
			}
		}
	}
	c.Operations(func(method, path string, op openapitest.Place) {
		t.Run(method+path, func(t *testing.T) {
			check(t, "request", op.At("requestBody", "content", "application/json"))
			for _, status := range op.At("responses").Keys() {
				check(t, status, op.At("responses", status, "content", "application/json"))
			}
			for _, param := range c.Parameters(path, op) {
				if example := param.At("example"); example.Value == nil {
					t.Errorf("parameter %s: no example", param.At("name").Value)
				} else if err := param.At("schema").Validate(example.Value); err != nil {
					t.Errorf("parameter %s: %v", param.At("name").Value, err)
				}
			}
		})
	})
	for _, name := range c.Root().At("components", "schemas").Keys() {
		schema := c.Root().At("components", "schemas", name)
		for i, example := range schema.At("examples").Items() {
			checked++
			if err := schema.Validate(example.Value); err != nil {
				t.Errorf("schema %s, example %d: %v", name, i, err)
			}
		}
		if def := schema.At("default"); def.Value != nil {
			checked++
			if err := schema.Validate(def.Value); err != nil {
				t.Errorf("schema %s, default: %v", name, err)
			}
		}
	}
	for _, name := range c.Root().At("components", "responses").Keys() {
		check(t, "response "+name, c.Root().At("components", "responses", name, "content", "application/json"))
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
