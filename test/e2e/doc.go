// Package e2e tests Muster as a user runs it: the built programs, a real broker, a real registry, a real
// Docker engine and real bad luck. Its tests know the programs by their flags, their REST API, their topics and
// their containers only.
package e2e
