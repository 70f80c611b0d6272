package topics

import "strings"

// NameOf is a machine's host name in a form that is valid for [CheckName]: what is not allowed becomes dashes, and what is
// too long is cut. It is empty when nothing is left.
func NameOf(host string) string {
	name := []byte(host[:min(len(host), MaxName)])
	for i := range name {
		if CheckName(string(name[i])) != nil {
			name[i] = '-'
		}
	}
	return strings.Trim(string(name), "-")
}
