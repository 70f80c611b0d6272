// Command demo is "make run": all of Muster on one machine, from a REST call to a container that answers.
//
// It starts an image registry with the example image in it, the manager, and a worker; creates the example
// app and device_group over REST as an admin would; has the worker enroll with a token, over TLS; waits until the container answers; prints what to try
// next; and stays until it is interrupted. Then it stops what it started and removes the containers. What the
// manager and the worker know stays in the folder .muster, and the next run goes on from there.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, names{app: "hello", device: "demo-device"}, "bin", ".muster", os.Stdout); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run shows everything until ctx ends. The programs are in the folder bin; what outlives the run goes to dir.
func run(ctx context.Context, n names, bin, dir string, stdout io.Writer) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	registry, err := startRegistry(ctx, filepath.Join(dir, "registry"), stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	image, err := pushExample(ctx, registry.Addr)
	if err != nil {
		return err
	}

	httpAddr, mqttAddr := preferred("127.0.0.1:8080"), preferred("127.0.0.1:1883")
	dataDir := filepath.Join(dir, "data")
	if err := forgetAddresses(dataDir); err != nil {
		return err
	}
	manager, err := startProcess(stdout, "manager", "", filepath.Join(bin, "muster"), "serve",
		"--data-dir", dataDir, "--http-addr", httpAddr, "--mqtt-addr", mqttAddr, "--https-addr", preferred("127.0.0.1:8443"),
		"--mqtt-tls-addr", preferred("127.0.0.1:8883"), "--mqtt-wss-addr", preferred("127.0.0.1:8084"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, manager.stop()) }()
	rest, broker, err := awaitManager(ctx, manager, dataDir)
	if err != nil {
		return err
	}

	addr, err := createExample(ctx, rest, n.app, image)
	if err != nil {
		return err
	}
	token, err := enrollmentToken(ctx, rest, n.device)
	if err != nil {
		return err
	}
	worker, err := startProcess(stdout, "worker", "MUSTER_ENROLL_TOKEN="+token, filepath.Join(bin, "muster-worker"),
		"--broker-url", "mqtts://"+broker.overTLS, "--device", n.device, "--state-dir", filepath.Join(dir, "device"),
		"--take-over-nebula=false") // a demo leaves alone what else the machine runs
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeContainers(n.device)) }()
	defer func() { err = errors.Join(err, worker.stop()) }()

	answer, err := awaitAnswer(ctx, addr, manager, worker)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, nextSteps(rest, n, broker.plain, dataDir, addr, answer)); err != nil {
		return err
	}

	select {
	case <-ctx.Done():
		_, err := fmt.Fprintln(stdout, "\nstopping; the containers of the demo are removed, its data stays in", dir)
		return err
	case <-manager.done:
		return fmt.Errorf("the manager ended: %w", manager.ended())
	case <-worker.done:
		return fmt.Errorf("the worker ended: %w", worker.ended())
	}
}
