package topics_test

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
		"":                             "",
		"...":                          "",
		strings.Repeat("h", 100):       strings.Repeat("h", topics.MaxName),
		strings.Repeat("h", 63) + ".x": strings.Repeat("h", 63),
	} {
		got := topics.NameOf(host)
		if got != want {
			t.Errorf("topics.NameOf(%q) = %q, want %q", host, got, want)
		}
		if err := topics.CheckName(got); got != "" && err != nil {
			t.Errorf("topics.NameOf(%q) = %q: %v", host, got, err)
		}
	}
}
