package program

import (
	"os"
	"strings"

	"muster/topics"
)

// HostName is the machine's name in a form that is valid for [topics.CheckName]: characters that are not
// allowed become dashes. It is "unnamed" on a machine that has none.
func HostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unnamed"
	}
	return nameOf(host)
}

func nameOf(host string) string {
	name := []byte(host[:min(len(host), topics.MaxName)])
	for i := range name {
		if topics.CheckName(string(name[i])) != nil {
			name[i] = '-'
		}
	}
	if trimmed := strings.Trim(string(name), "-"); trimmed != "" {
		return trimmed
	}
	return "unnamed"
}
