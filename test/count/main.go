// Command count reads the output of "go test -json -cover" and prints, for each package, how many tests and
// subtests ran and failed, and how much of the package they cover.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"text/tabwriter"
)

type counts struct {
	passed, failed, skipped int
	coverage                string
}

var coverage = regexp.MustCompile(`coverage: ([0-9.]+%) of statements`)

func main() {
	packages := make(map[string]*counts)
	var total counts
	for lines := bufio.NewReader(os.Stdin); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var event struct{ Action, Package, Test, Output string }
		if json.Unmarshal(line, &event) != nil || event.Package == "" {
			continue
		}
		pkg := packages[event.Package]
		if pkg == nil {
			pkg = new(counts)
			packages[event.Package] = pkg
		}
		if match := coverage.FindStringSubmatch(event.Output); match != nil {
			pkg.coverage = match[1]
		}
		for _, c := range []*counts{pkg, &total} {
			switch {
			case event.Test == "":
			case event.Action == "pass":
				c.passed++
			case event.Action == "fail":
				c.failed++
			case event.Action == "skip":
				c.skipped++
			}
		}
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, c *counts) {
		_, _ = fmt.Fprintf(table, "%d\t%d\t%d\t%s\t  %s\n", c.passed, c.failed, c.skipped, c.coverage, name)
	}
	_, _ = fmt.Fprintln(table, "passed\tfailed\tskipped\tcoverage\t  package")
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		row(name, packages[name])
	}
	row("total", &total)
	_ = table.Flush()
	if total.failed > 0 {
		os.Exit(1)
	}
}
