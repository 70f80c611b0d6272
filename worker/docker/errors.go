package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"muster/worker"
)

// A failure is a call that the engine did not do.
type failure struct {
	// doing is what was tried, and said what the engine said to it, in one line.
	doing, said string
	// cause is one of the worker's errors where there is a fitting one, else the original error.
	cause error
}

func (f *failure) Error() string { return f.doing + ": " + f.said }

func (f *failure) Unwrap() error { return f.cause }

// A refusal is an error of the engine's that it has no status for.
type refusal struct {
	said string
	// cause is one of the worker's errors.
	cause error
}

func (r *refusal) Error() string { return r.said }

// explain makes an error of the engine's client one of [worker.Engine], with a code where a container cannot be
// made or started; nil stays nil.
func explain(ctx context.Context, doing string, err error) error {
	explained := plain(ctx, doing, err)
	f, ok := explained.(*failure) //nolint:errorlint // plain wraps it in nothing
	if !ok || errors.Is(f, worker.ErrEngineDown) {
		return explained
	}
	s := diagnoseContainer(doing, f.said)
	if s.code == "" {
		return f
	}
	if s.told != "" {
		f.said = s.told + ": " + f.said
	}
	return &worker.Fault{Code: s.code, Err: f}
}

// plain is explain without a code.
func plain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", doing, ended)
	}
	said := oneLine(strings.ReplaceAll(err.Error(), "Error response from daemon: ", ""))
	return &failure{doing: doing, said: said, cause: cause(err, said)}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func cause(err error, said string) error {
	var refused *refusal
	var network *net.OpError
	switch {
	case errors.As(err, &refused):
		return refused.cause
	case client.IsErrConnectionFailed(err), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return worker.ErrEngineDown
	case cerrdefs.IsNotFound(err):
		return worker.ErrNotExist
	case cerrdefs.IsConflict(err), portTaken(said):
		return worker.ErrConflict
	}
	return err
}

// portTaken reports whether a start failed because of a host port. The engine has no status of its own for
// that, only words: the first when another container has the port, the second when another program has.
func portTaken(said string) bool {
	return strings.Contains(said, "port is already allocated") || strings.Contains(said, "address already in use")
}
