//go:build !race

package rig

// race is whether the race detector watches this process, and should watch what it starts.
const race = false
