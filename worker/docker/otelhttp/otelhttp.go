// Package otelhttp stands in for OpenTelemetry's package of that name, which the Docker engine's client imports: the real one
// makes the worker 440 KiB larger, and traces nothing here. go.mod puts this one in its place; it has what that client
// calls and nothing else.
package otelhttp

import "net/http"

// An Option does nothing.
type Option struct{}

// NewTransport is the transport that it is given.
func NewTransport(base http.RoundTripper, _ ...Option) http.RoundTripper { return base }

// WithSpanNameFormatter does nothing.
func WithSpanNameFormatter(func(string, *http.Request) string) Option { return Option{} }

// WithTracerProvider does nothing.
func WithTracerProvider(any) Option { return Option{} }
