package topics_test

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Microcontroller vendors and other languages port this package; both ends link it.
func TestImportsTheStandardLibraryOnly(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		for _, spec := range parsed.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") || first == "muster" {
				t.Errorf("%s imports %s", file.Name(), path)
			}
		}
	}
	if checked == 0 {
		t.Error("no file was checked")
	}
}
