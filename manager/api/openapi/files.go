package openapi

import (
	"embed"
	"fmt"
	"sync"

	"github.com/swaggest/swgui/v5/static"
)

//go:embed page
var page embed.FS

// Names of the files that are no parts of the page.
const (
	DocumentFile = "openapi.json"
	PageFile     = "index.html"
)

// Files are the document, the page that shows it, and the scripts and styles of that page, by name. They
// are made at the first call.
//
// The page is Swagger UI. It is started by a script of ours: the start that it comes with is inside the page,
// and would need a policy that lets pages have scripts inside.
var Files = sync.OnceValues(func() (map[string]*File, error) {
	document, err := Document()
	if err != nil {
		return nil, err
	}
	files := map[string]*File{}
	if files[DocumentFile], err = pack(DocumentFile, document); err != nil {
		return nil, err
	}
	for _, name := range []string{PageFile, "docs.css", "docs.js"} {
		data, err := page.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("openapi: %w", err)
		}
		if files[name], err = pack(name, data); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"swagger-ui.css", "swagger-ui-bundle.js"} {
		data, err := static.FS.ReadFile(name + ".gz")
		if err != nil {
			return nil, fmt.Errorf("openapi: %w", err)
		}
		files[name] = packed(name, data)
	}
	return files, nil
})
