package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"muster/manager/api/openapi"
)

// A contract is the OpenAPI document, for checking requests and answers against it.
type contract struct {
	doc map[string]any

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by where they are in the document
}

var loadContract = sync.OnceValues(func() (*contract, error) {
	data, err := openapi.Document()
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	return &contract{doc: doc.(map[string]any), compiler: c, schemas: map[string]*jsonschema.Schema{}}, c.AddResource("openapi.json", doc)
})

func theContract(t testing.TB) *contract {
	t.Helper()
	c, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A place is a value in the document and the JSON pointer to it.
type place struct {
	c       *contract
	pointer string
	value   any
}

func (c *contract) root() place { return place{c, "", c.doc} }

// at goes down by keys, and on to what a $ref stands for. There is none when the value is nil.
func (p place) at(keys ...string) place {
	for _, key := range keys {
		object, _ := p.value.(map[string]any)
		p = place{p.c, p.pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key), object[key]}
		for {
			object, _ := p.value.(map[string]any)
			ref, ok := object["$ref"].(string)
			if !ok || strings.Contains(ref, "/schemas/") {
				break
			}
			p = p.c.root().at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return p
}

func (p place) keys() []string {
	object, _ := p.value.(map[string]any)
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// items are the elements of a list.
func (p place) items() (all []place) {
	list, _ := p.value.([]any)
	for i := range list {
		item := place{p.c, "", map[string]any{"item": list[i]}}.at("item")
		if !strings.HasPrefix(item.pointer, "/components/") {
			item.pointer = fmt.Sprintf("%s/%d", p.pointer, i)
		}
		all = append(all, item)
	}
	return all
}

// validate checks a JSON value against the schema that is here.
func (p place) validate(value any) error {
	p.c.mu.Lock()
	schema, ok := p.c.schemas[p.pointer]
	if !ok {
		var err error
		if schema, err = p.c.compiler.Compile("openapi.json#" + (&url.URL{Fragment: p.pointer}).EscapedFragment()); err != nil {
			p.c.mu.Unlock()
			return err
		}
		p.c.schemas[p.pointer] = schema
	}
	p.c.mu.Unlock()
	return schema.Validate(value)
}

// operation is the documented operation of a route.
func (c *contract) operation(method, route string) place {
	return c.root().at("paths", route, strings.ToLower(method))
}

// An exchange is a request and its answer.
type exchange struct {
	method, route string // the route is empty when no route has the method and path
	query         url.Values
	sent          []byte
	status        int
	header        http.Header
	body          []byte
	noBody        bool // the method is HEAD, and there is no body to check
}

// atNoRoute are the answers to what has no route, among the components of the document.
var atNoRoute = map[int]string{
	401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
	429: "TooManyRequests", 500: "InternalError", 503: "Unavailable",
}

// check reports what of the exchange is not as documented.
func (c *contract) check(x exchange) error {
	if x.status == 499 {
		return nil // for the log; nobody is there to be answered
	}
	if x.route == "" {
		return x.checkAnswer(c.root().at("components", "responses", atNoRoute[x.status]))
	}
	op := c.operation(x.method, x.route)
	if op.value == nil {
		return fmt.Errorf("the operation is not documented")
	}
	if err := x.checkAnswer(op.at("responses", strconv.Itoa(x.status))); err != nil || x.status >= 300 {
		return err
	}
	if err := x.checkQuery(op); err != nil {
		return err
	}
	if body := op.at("requestBody"); body.value != nil {
		return validateJSON(body.at("content", "application/json", "schema"), x.sent)
	}
	return nil
}

func (x exchange) checkAnswer(response place) error {
	if response.value == nil {
		return fmt.Errorf("status %d is not documented", x.status)
	}
	for _, name := range response.at("headers").keys() {
		if header := response.at("headers", name); header.at("required").value == true && x.header.Get(name) == "" {
			return fmt.Errorf("there is no header %s", name)
		} else if value := x.header.Get(name); value != "" {
			if err := header.at("schema").validate(value); err != nil {
				return fmt.Errorf("header %s %q: %w", name, value, err)
			}
		}
	}
	content := response.at("content")
	if content.value == nil {
		if len(x.body) > 0 {
			return fmt.Errorf("status %d is documented without a body", x.status)
		}
		return nil
	}
	media := content.at(x.header.Get("Content-Type"))
	if media.value == nil {
		return fmt.Errorf("Content-Type %q is not documented", x.header.Get("Content-Type"))
	}
	if x.noBody || x.header.Get("Content-Type") != "application/json" {
		return nil
	}
	return validateJSON(media.at("schema"), x.body)
}

// checkQuery checks that parameters which were accepted are documented.
func (x exchange) checkQuery(op place) error {
	for name, values := range x.query {
		i := slices.IndexFunc(op.at("parameters").items(), func(p place) bool {
			return p.at("in").value == "query" && p.at("name").value == name
		})
		if i < 0 {
			return fmt.Errorf("the parameter %s is not documented", name)
		}
		schema := op.at("parameters").items()[i].at("schema")
		var value any = values[0]
		if schema.at("type").value == "integer" {
			var err error
			if value, err = strconv.ParseInt(values[0], 10, 64); err != nil {
				return fmt.Errorf("the parameter %s: %w", name, err)
			}
		}
		if err := schema.validate(value); err != nil {
			return fmt.Errorf("the parameter %s: %w", name, err)
		}
	}
	return nil
}

func validateJSON(schema place, data []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.validate(value)
}
