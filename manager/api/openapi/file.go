package openapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

// policy lets the page load what comes from here and nothing else. Swagger UI has icons inside its styles.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
}

// A File is served compressed to those who understand that, which all browsers do, and with an ETag.
type File struct {
	contentType, etag string
	packed            []byte // by gzip
}

// pack makes a file of data.
func pack(name string, data []byte) (*File, error) {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("openapi: compress %s: %w", name, err)
	}
	return packed(name, buf.Bytes()), nil
}

// packed makes a file of data that is compressed already.
func packed(name string, data []byte) *File {
	sum := sha256.Sum256(data)
	// The tag is weak because it is the same for the compressed and the plain bytes.
	return &File{contentTypes[path.Ext(name)], fmt.Sprintf(`W/"%x"`, sum[:12]), data}
}

// ServeHTTP answers GET and HEAD with the file, or with 304 to whoever has it.
func (f *File) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "private, no-cache") // kept, and asked after every time: it changes with the program
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.packed))
		return
	}
	plain, err := f.plain()
	if err != nil {
		panic(err) // the files are part of the program, and a test unpacks them all
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(plain))
}

func (f *File) plain() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(f.packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
