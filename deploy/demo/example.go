package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"muster/test/rig"
)

// group is the example's device_group.
const group = "demo"

// names are the example's app and the device that it runs on. Containers are named after the app, so that two
// demos on one machine need different ones.
type names struct{ app, device string }

func startRegistry(ctx context.Context, dir string, stdout io.Writer) (*rig.Registry, error) {
	addr := preferred("127.0.0.1:5000")
	if strings.HasSuffix(addr, ":0") {
		addr = "" // any
	}
	registry, err := rig.StartRegistry(ctx, addr, dir)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(stdout, "demo    | image registry at", registry.Addr)
	return registry, err
}

func pushExample(ctx context.Context, addr string) (image string, err error) {
	built, err := rig.BuildImage(ctx, rig.Hello{Version: "v1"})
	if err != nil {
		return "", err
	}
	return rig.PushImage(ctx, addr, "muster/hello", "v1", built)
}

// createExample makes the example's app and device_group, or brings those of an earlier run up to date, and
// gives the address at which the app is to answer.
func createExample(ctx context.Context, rest *client, app, image string) (addr string, err error) {
	addr, err = freeAddr("127.0.0.1:8081")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	fields := map[string]any{
		"docker_image":   image,
		"starting_ports": []any{map[string]string{port: "8080"}},
		"env_vars":       map[string]string{"GREETING": "Hello from Muster,"},
	}
	status, err := rest.call(ctx, http.MethodPost, "/apps/"+app, fields, nil)
	if status == http.StatusForbidden { // it exists
		_, err = rest.call(ctx, http.MethodPut, "/apps/"+app+"/update", fields, nil)
	}
	if err != nil {
		return "", err
	}
	lists := map[string]any{"apps": []string{app}, "cron_jobs": []string{}}
	status, err = rest.call(ctx, http.MethodPost, "/device_groups/"+group, lists, nil)
	if status == http.StatusForbidden { // it exists
		_, err = rest.call(ctx, http.MethodPut, "/device_groups/"+group+"/update", lists, nil)
	}
	return addr, err
}

// enrollmentToken lets that device get an identity within the next minutes. One that has one leaves it alone.
func enrollmentToken(ctx context.Context, rest *client, device string) (string, error) {
	var made struct{ Token string }
	_, err := rest.call(ctx, http.MethodPost, "/tokens", map[string]any{
		"kind": "enroll", "device_group": group, "device": device, "ttl_seconds": 600,
	}, &made)
	return made.Token, err
}

// awaitAnswer waits until the app answers with this image, and gives what it says.
func awaitAnswer(ctx context.Context, addr string, needed ...*process) (answer string, err error) {
	err = poll(ctx, 2*time.Minute, func(ctx context.Context) error {
		answer, err = get(ctx, "http://"+addr+"/")
		return err
	}, needed...)
	return answer, err
}

// freeAddr is addr, or one with a free port on the same host.
func freeAddr(addr string) (string, error) {
	listener, err := net.Listen("tcp", preferred(addr))
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// poll calls try until it succeeds, a needed process ends, or the time is up, which also ends the try.
func poll(ctx context.Context, limit time.Duration, try func(context.Context) error, needed ...*process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %v", limit))
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		for _, p := range needed {
			select {
			case <-p.done:
				return fmt.Errorf("the %s ended: %w", p.name, p.ended())
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func nextSteps(rest *client, n names, mqtt, dataDir, addr, answer string) string {
	host, port, _ := net.SplitHostPort(mqtt) // as the manager wrote it
	return strings.NewReplacer(
		"{answer}", strings.TrimSpace(answer), "{addr}", addr, "{app}", n.app, "{device}", n.device, "{rest}", rest.addr, "{host}", host, "{port}", port,
		"{url}", "https://"+rest.addr+"/api/v2", "{ca}", dataDir+"/"+rootsFile, "{password}", dataDir+"/"+passwordFile,
	).Replace(`
--------------------------------------------------------------------------------
A container runs because of a REST call, and says: {answer}

  curl http://{addr}/

Change it, and ask again:

  curl --cacert {ca} -u admin:$(cat {password}) -X PUT {url}/apps/{app}/update \
       -d '{"env_vars": {"GREETING": "It changed,"}}'

What an admin can read, with the commands or by REST:

  bin/muster login --url https://{rest} --ca-file {ca} --user admin --password-file {password}
  bin/muster describe device {device}
  curl --cacert {ca} -u admin:$(cat {password}) {url}/devices/{device}

What goes over MQTT (apt-get install mosquitto-clients; or MQTT Explorer, host {host}, port {port}):

  mosquitto_sub -h {host} -p {port} -t 'muster/#' -v

REST is at {url}, user admin, password in {password}. The device has enrolled with a
token, and everything goes over TLS; what has none is for this machine only.
Ctrl-C ends it and removes the containers; "make run" goes on from there.
--------------------------------------------------------------------------------
`)
}
