package output

import (
	"io"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
)

func printTable(w io.Writer, header []string, rows [][]string) error {
	_, err := io.WriteString(w, render(header, rows))
	return err
}

// render makes columns that two spaces part, without lines, so that they can also be cut and sorted.
func render(header []string, rows [][]string) string {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	t.AppendHeader(cells(header))
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	return t.Render() + "\n"
}

func cells(texts []string) table.Row {
	row := make(table.Row, len(texts))
	for i, text := range texts {
		row[i] = harmless(text)
	}
	return row
}

// harmless is text that tells a terminal nothing: some of it comes from devices.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
