// Package openapitest holds requests and answers of the REST API to its OpenAPI document.
package openapitest

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"muster/manager/api/openapi"
)

// A Contract is the OpenAPI document, for checking requests and answers against it. It is safe for concurrent use.
type Contract struct {
	doc        map[string]any
	operations []operation

	mu       sync.Mutex // of what follows
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by where they are in the document
}

var load = sync.OnceValues(func() (*Contract, error) {
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
	contract := &Contract{doc: doc.(map[string]any), compiler: c, schemas: map[string]*jsonschema.Schema{}}
	paths := contract.Root().At("paths")
	for _, path := range paths.Keys() {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			if op := paths.At(path, method); op.Value != nil {
				contract.operations = append(contract.operations, operation{strings.ToUpper(method), path, strings.Split(path, "/"), op})
			}
		}
	}
	return contract, c.AddResource("openapi.json", doc)
})

// An operation is where the document has a method of a path.
type operation struct {
	method, path string
	parts        []string // of the path
	place        Place
}

// Load reads the document of this program. The same Contract is given to all.
func Load(t testing.TB) *Contract {
	t.Helper()
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A Place is a value in the document, nil where there is none.
type Place struct {
	Value any

	c       *Contract
	pointer string // to the value, from the root of the document
}

// Root is the document whole.
func (c *Contract) Root() Place { return Place{c.doc, c, ""} }

// At goes down by keys, and on to what a $ref stands for, unless that is a schema.
func (p Place) At(keys ...string) Place {
	for _, key := range keys {
		object, _ := p.Value.(map[string]any)
		p = Place{object[key], p.c, p.pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)}.follow()
	}
	return p
}

// follow goes on to what a $ref stands for. It leaves those of schemas to the library.
func (p Place) follow() Place {
	object, _ := p.Value.(map[string]any)
	ref, ok := object["$ref"].(string)
	if !ok || strings.Contains(ref, "/schemas/") {
		return p
	}
	return p.c.Root().At(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// Keys are those of an object, in order.
func (p Place) Keys() []string {
	object, _ := p.Value.(map[string]any)
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Items are the elements of a list.
func (p Place) Items() (all []Place) {
	list, _ := p.Value.([]any)
	for i := range list {
		all = append(all, Place{list[i], p.c, fmt.Sprintf("%s/%d", p.pointer, i)}.follow())
	}
	return all
}

// Validate checks a JSON value against the schema that is here.
func (p Place) Validate(value any) error {
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

// Operations calls visit for every operation of the document.
func (c *Contract) Operations(visit func(method, path string, op Place)) {
	for _, op := range c.operations {
		visit(op.method, op.path, op.place)
	}
}

// operation is what the document has for a method and a path as it was sent; its value is nil when there is none.
func (c *Contract) operation(method, path string) Place {
	parts := strings.Split(path, "/")
	i := slices.IndexFunc(c.operations, func(op operation) bool {
		return op.method == method && slices.EqualFunc(op.parts, parts, func(named, part string) bool {
			return named == part || part != "" && strings.HasPrefix(named, "{")
		})
	})
	if i < 0 {
		return Place{}
	}
	return c.operations[i].place
}

// Parameters are those of an operation, with those that all operations of its path have.
func (c *Contract) Parameters(path string, op Place) []Place {
	return append(op.At("parameters").Items(), c.Root().At("paths", path, "parameters").Items()...)
}
