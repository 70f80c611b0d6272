package api

import (
	"net/http"

	"muster/manager/api/openapi"
)

// getOpenAPI answers with the OpenAPI document of this API.
func getOpenAPI(*http.Request) (int, any, error) { return docsFile(openapi.DocumentFile) }

// getDocs answers with a page that shows the document.
func getDocs(*http.Request) (int, any, error) { return docsFile(openapi.PageFile) }

// getDocsFile answers with a script or style of that page.
func getDocsFile(r *http.Request) (int, any, error) { return docsFile(pathName(r, "file")) }

func docsFile(name string) (int, any, error) {
	files, err := openapi.Files()
	if err != nil {
		return 0, nil, err
	}
	file, ok := files[name]
	if !ok {
		return 0, nil, errNoPath
	}
	return http.StatusOK, file, nil
}
