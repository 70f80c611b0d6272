package rig

import (
	"crypto/rand"
	"strings"
)

// Name is prefix with a random end, so that tests which run at the same time, on an engine or a broker
// that they share, do not meet. It is valid as the name of an app, a device, a group or an image.
func Name(prefix string) string {
	return prefix + "-" + strings.ToLower(rand.Text()[:8])
}
