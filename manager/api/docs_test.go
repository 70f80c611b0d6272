package api_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"muster/manager/api/openapi"
)

// docsFile asks for a file of the documentation with a header.
func (m *manager) docsFile(method, path, header, value string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/api/v2"+path, nil)
	r.SetBasicAuth(user, password)
	r.Header.Set(header, value)
	return m.serve(r)
}

func TestDocsFiles(t *testing.T) {
	m := newManager(t)
	document, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	for path, has := range map[string]struct{ contentType, starts string }{
		"/openapi.json":              {"application/json", string(document)},
		"/docs":                      {"text/html; charset=utf-8", "<!doctype html>"},
		"/docs/docs.js":              {"text/javascript; charset=utf-8", "SwaggerUIBundle("},
		"/docs/docs.css":             {"text/css; charset=utf-8", "body {"},
		"/docs/swagger-ui-bundle.js": {"text/javascript; charset=utf-8", "/*! For license information"},
		"/docs/swagger-ui.css":       {"text/css; charset=utf-8", ".swagger-ui{"},
	} {
		t.Run(path, func(t *testing.T) {
			plain := m.do("GET", path, "")
			if plain.Code != 200 || !strings.HasPrefix(plain.Body.String(), has.starts) {
				t.Fatalf("%d %.80s, want %.80s", plain.Code, plain.Body, has.starts)
			}
			h := plain.Header()
			if h.Get("Content-Type") != has.contentType || h.Get("Cache-Control") != "private, no-cache" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Encoding") != "" {
				t.Errorf("header %v", h)
			}
			if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("Content-Security-Policy %q", csp)
			}

			packed := m.docsFile("GET", path, "Accept-Encoding", "br, gzip")
			unpacked, err := gzip.NewReader(packed.Body)
			if err != nil || packed.Header().Get("Content-Encoding") != "gzip" || packed.Header().Get("Vary") != "Accept-Encoding" {
				t.Fatalf("compressed: %v, header %v", err, packed.Header())
			}
			if same, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(same, plain.Body.Bytes()) {
				t.Errorf("compressed is not the same: %v", err)
			}

			if w := m.docsFile("GET", path, "If-None-Match", h.Get("ETag")); w.Code != 304 || w.Body.Len() != 0 {
				t.Errorf("to whoever has it: %d, %d bytes", w.Code, w.Body.Len())
			}
			if w := m.docsFile("GET", path, "If-None-Match", `W/"other"`); w.Code != 200 {
				t.Errorf("to whoever has another: %d", w.Code)
			}
			if w := m.do("HEAD", path, ""); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("ETag") != h.Get("ETag") {
				t.Errorf("HEAD: %d, %d bytes, header %v", w.Code, w.Body.Len(), w.Header())
			}
		})
	}
	for _, path := range []string{"/docs/", "/docs/none.js", "/docs/..%2Fapi.yaml", "/docs/page/docs.js"} {
		wantJSON(t, m.do("GET", path, ""), 404, noPath)
	}
}
