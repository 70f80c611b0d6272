// Package serve is what the programs of this module have in common: an HTTP server that says where it
// listens, and that never outlives the test that started it.
package serve

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// Until listens on addr (port 0 picks a free one), prints the address as the first line of standard
// output, and serves handler until standard input ends, which it also does when the parent process dies.
func Until(stdin io.Reader, addr string, handler http.Handler) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(os.Stdout, listener.Addr()); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, handler) }()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, stdin)
		ended <- err
	}()
	select {
	case err := <-failed:
		return err
	case err := <-ended:
		return err
	}
}
