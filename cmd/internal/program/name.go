package program

import (
	"os"

	"muster/topics"
)

// HostName is the machine's name in a form that is valid for [topics.CheckName]: see [topics.NameOf]. It is "unnamed" on a
// machine that has none.
func HostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unnamed"
	}
	if name := topics.NameOf(host); name != "" {
		return name
	}
	return "unnamed"
}
