package program

import (
	"strings"
	"testing"

	"muster/topics"
)

func TestNameOf(t *testing.T) {
	for host, want := range map[string]string{
		"till-1":                       "till-1",
		"till-1.shop.example":          "till-1-shop-example",
		"Kassenraum 3":                 "Kassenraum-3",
		"":                             "unnamed",
		"...":                          "unnamed",
		strings.Repeat("h", 100):       strings.Repeat("h", topics.MaxName),
		strings.Repeat("h", 63) + ".x": strings.Repeat("h", 63),
	} {
		got := nameOf(host)
		if got != want {
			t.Errorf("nameOf(%q) = %q, want %q", host, got, want)
		}
		if err := topics.CheckName(got); err != nil {
			t.Errorf("nameOf(%q) = %q: %v", host, got, err)
		}
	}
}
