package openapi

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// files are parts, by name.
func files(parts map[string]string) fs.FS {
	all := fstest.MapFS{}
	for name, data := range parts {
		all[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return all
}

func TestBuild(t *testing.T) {
	got, err := build(files(map[string]string{
		"api.yaml": `
openapi: 3.1.0
paths: {}
components:
  responses: {Teapot: {description: short}}
`,
		"paths/a.yaml": `
paths:
  /z:
    put: &put {operationId: putZ, summary: Z, description: Sets z., x-right: app rw, responses: {"200": {description: Done.}}}
    patch: {operationId: patchZ, <<: *put}
  /a:
    get: {description: No login., x-right: nobody, responses: {"200": {description: Fine.}}}
`,
		"schemas/z.yaml": `components: {schemas: {Z: {type: [integer, "null"], maximum: 1.5, example: "<2>"}}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	const always = `"401":{"$ref":"#/components/responses/Unauthorized"},"429":{"$ref":"#/components/responses/TooManyRequests"},` +
		`"500":{"$ref":"#/components/responses/InternalError"},"503":{"$ref":"#/components/responses/Unavailable"}`
	const z = `"description":"Sets z.\n\nNeeds the right ` + "`rw`" + ` to this app, or ` + "`admin`" + `.","x-right":"app rw","responses":{"200":{"description":"Done."},` + always + `}`
	want := `{"openapi":"3.1.0","paths":{"/z":{"put":{"operationId":"putZ","summary":"Z",` + z + `},"patch":{"operationId":"patchZ","summary":"Z",` + z + `}},` +
		`"/a":{"get":{"description":"No login.","x-right":"nobody","responses":{"200":{"description":"Fine."}}}}},` +
		`"components":{"responses":{"Teapot":{"description":"short"}},"schemas":{"Z":{"type":["integer","null"],"maximum":1.5,"example":"\u003c2\u003e"}}}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBuildRefuses(t *testing.T) {
	operation := func(fields string) string { return "paths: {/a: {get: {" + fields + "}}}" }
	for name, tc := range map[string]struct {
		parts map[string]string
		why   string
	}{
		"no paths":       {map[string]string{"a.yaml": "openapi: 3.1.0"}, "no part has paths"},
		"no mapping":     {map[string]string{"a.yaml": "[1]"}, "a.yaml: is not a mapping"},
		"an empty part":  {map[string]string{"a.yaml": ""}, "a.yaml: is not a mapping"},
		"no YAML":        {map[string]string{"a.yaml": "{"}, "a.yaml: yaml"},
		"said twice":     {map[string]string{"a.yaml": "paths: {/a: 1}", "b.yaml": "paths: {/a: 1}"}, "b.yaml: paths: /a: line 1: is in another part already"},
		"no right":       {map[string]string{"a.yaml": operation("description: d, responses: {}")}, "get /a: needs an x-right"},
		"no description": {map[string]string{"a.yaml": operation("x-right: admin, responses: {}")}, "get /a: needs an x-right, a description"},
		"unknown right":  {map[string]string{"a.yaml": operation("x-right: app, description: d, responses: {}")}, `x-right "app" is none`},
		"no JSON":        {map[string]string{"a.yaml": "paths: {}\nx: .inf"}, "unsupported value"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := build(files(tc.parts)); err == nil || !strings.Contains(err.Error(), tc.why) {
				t.Errorf("%s, %v; want an error with %q", got, err, tc.why)
			}
		})
	}
}

func BenchmarkDocument(b *testing.B) {
	for b.Loop() {
		if _, err := Document(); err != nil {
			b.Fatal(err)
		}
	}
}
