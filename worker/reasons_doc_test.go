package worker_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// notYet stands in the table for the test of a code that nothing reports.
const notYet = "not reported yet"

// docs/reasons.md has a row for each code, with a test that exists and names it.
func TestReasonsAreDocumented(t *testing.T) {
	codes, names := reasons(t)
	rows := reasonRows(t)
	tests, reported := uses(t, names)
	for code := range codes {
		test, ok := rows[code]
		switch {
		case !ok:
			t.Errorf("docs/reasons.md has no row for %q", code)
		case test == notYet && reported[code]:
			t.Errorf("docs/reasons.md says that %q is not reported yet, but the worker uses it: name the test that produces it", code)
		case test != notYet && tests[test] == nil:
			t.Errorf("docs/reasons.md names the test %q for %q, and there is none", test, code)
		case test != notYet && !tests[test][code]:
			t.Errorf("docs/reasons.md names the test %q for %q, and it says nothing of that code", test, code)
		}
		delete(rows, code)
	}
	for code := range rows {
		t.Errorf("docs/reasons.md has a row for %q, and there is no such code", code)
	}
}

// reasons reads the codes of package topics, and by what names the constants go.
func reasons(t *testing.T) (codes map[string]bool, names map[string]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../topics/reason.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	codes, names = map[string]bool{}, map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			literal, ok := v.Values[0].(*ast.BasicLit)
			if !ok {
				t.Fatalf("%s is no literal", v.Names[0].Name)
			}
			code, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			codes[code], names[v.Names[0].Name] = true, code
		}
		return true
	})
	if len(codes) < 30 {
		t.Fatalf("only %d codes are found", len(codes))
	}
	return codes, names
}

// reasonRows reads the table: the test of each code.
func reasonRows(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^|]+ \\| [^|]+ \\| `?([^|`]+)`? \\|$").FindAllStringSubmatch(string(page), -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("docs/reasons.md has two rows for %q", m[1])
		}
		rows[m[1]] = m[2]
	}
	return rows
}

// uses reads the worker and the end-to-end tests: which codes each test names, and which the worker itself uses.
func uses(t *testing.T, names map[string]string) (tests map[string]map[string]bool, reported map[string]bool) {
	t.Helper()
	tests, reported = map[string]map[string]bool{}, map[string]bool{}
	for _, root := range []string{".", "../test/e2e"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, d := range file.Decls {
				found := named(d, names)
				f, function := d.(*ast.FuncDecl)
				switch {
				case !strings.HasSuffix(path, "_test.go"):
					for code := range found {
						reported[code] = reported[code] || !strings.Contains(path, "enginetest")
					}
				case function && strings.HasPrefix(f.Name.Name, "Test"):
					tests[f.Name.Name] = found
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return tests, reported
}

// named are the codes whose constants a declaration uses.
func named(d ast.Decl, names map[string]string) map[string]bool {
	found := map[string]bool{}
	ast.Inspect(d, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && names[s.Sel.Name] != "" {
			found[names[s.Sel.Name]] = true
		}
		return true
	})
	return found
}
