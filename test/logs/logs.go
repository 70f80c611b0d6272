// Package logs has what tests read logs from.
package logs

import (
	"bytes"
	"log/slog"
	"sync"
)

// A Buffer is a log that is read while others write it. Its zero value is an empty one.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds to the log. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is all that was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Logger writes into the log as text, from level Info on.
func (b *Buffer) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
