package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"muster/test/logs"
	"muster/topics"
)

// What is retained can be read by anybody who looks on, in MQTT Explorer or with mosquitto_sub.
func TestTheConfigIsReadable(t *testing.T) {
	forEachBroker(t, func(t *testing.T, in *installation) {
		in.must("POST", "/apps/web", fields{"docker_image": "registry.invalid/hello:v1"})
		in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
		log := in.subscribe("muster/#", "-v")
		await(t, "the retained messages", func() error {
			for line := range strings.Lines(log.String()) {
				topic, payload, _ := strings.Cut(strings.TrimSpace(line), " ")
				if topic != "muster/v1/groups/shops/config" {
					continue
				}
				config, err := topics.ParseConfig([]byte(payload))
				if err == nil && (len(config.Apps) != 1 || config.Apps[0].DockerImage != "registry.invalid/hello:v1") {
					err = fmt.Errorf("it says %s", payload)
				}
				return err
			}
			return errors.New("nothing on the group's config topic")
		})
	})
}

// The two lines of the README: a client that speaks MQTT 3.1.1 only checks in and gets its answer.
func TestTheReadmesCheckIn(t *testing.T) {
	forEachBroker(t, func(t *testing.T, in *installation) {
		in.must("POST", "/apps/hello", fields{"docker_image": "registry.invalid/hello:v1"})
		in.must("POST", "/device_groups/demo", fields{"apps": []string{"hello"}, "cron_jobs": []string{}})
		readme, err := os.ReadFile("../../README.md")
		if err != nil {
			t.Fatal(err)
		}
		var subscribe, publish string
		for line := range strings.Lines(string(readme)) {
			switch {
			case strings.HasPrefix(line, "mosquitto_sub -V mqttv311"):
				subscribe = line
			case strings.HasPrefix(line, "mosquitto_pub -V mqttv311"):
				publish = line
			}
		}
		if subscribe == "" || publish == "" {
			t.Fatal("the README shows no check-in with mosquitto_sub and mosquitto_pub over MQTT 3.1.1")
		}
		host, port, err := net.SplitHostPort(in.mqttAddr)
		if err != nil {
			t.Fatal(err)
		}
		shell := func(line string) *exec.Cmd {
			line = strings.TrimSuffix(strings.TrimSpace(line), "&")
			line = strings.Replace(line, " -V mqttv311", " -V mqttv311 -h "+host+" -p "+port, 1)
			return exec.CommandContext(t.Context(), "sh", "-c", "exec "+line)
		}
		log := new(logs.Buffer)
		listener := shell(subscribe)
		listener.Stdout, listener.Stderr = log, log
		if err := listener.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = listener.Process.Kill()
			_ = listener.Wait()
		}()
		await(t, "the answer", func() error {
			// Asked again until it is heard: nothing says when mosquitto_sub has subscribed.
			if out, err := shell(publish).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			for line := range strings.Lines(log.String()) {
				reply, err := topics.ParseCheckinReply([]byte(strings.TrimSpace(line)))
				if err != nil {
					return err
				}
				config, err := topics.ParseConfig(reply.Config)
				if err == nil && config.Apps[0].AppName != "hello" {
					err = fmt.Errorf("it says %s", line)
				}
				return err
			}
			return errors.New("no answer")
		})
	})
}
