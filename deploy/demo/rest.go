package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"muster/manager/auth"
)

const passwordFile = auth.AdminPasswordFile

// The files in which a manager says where it listens.
const httpFile, mqttFile = "http.addr", "mqtt.addr"

// forgetAddresses removes what an earlier manager said: other programs may listen there by now, and would be
// asked with the admin's password.
func forgetAddresses(dataDir string) error {
	for _, name := range []string{httpFile, mqttFile} {
		if err := os.Remove(filepath.Join(dataDir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// A client calls the manager's REST API as the admin.
type client struct{ addr, password string }

// awaitManager waits until the manager answers, and gives its REST API and the address of its broker.
func awaitManager(ctx context.Context, manager *process, dataDir string) (rest *client, mqtt string, err error) {
	err = poll(ctx, 30*time.Second, func(ctx context.Context) error {
		lines := make(map[string]string)
		for _, name := range []string{passwordFile, httpFile, mqttFile} {
			content, err := os.ReadFile(filepath.Join(dataDir, name))
			if err != nil {
				return err
			}
			lines[name] = strings.TrimSpace(string(content))
		}
		rest, mqtt = &client{lines[httpFile], lines[passwordFile]}, lines[mqttFile]
		_, err := rest.call(ctx, http.MethodGet, "/status", nil)
		return err
	}, manager)
	return rest, mqtt, err
}

// call makes one request. An answer other than a success is an error that quotes it; its status is given
// either way.
func (c *client) call(ctx context.Context, method, path string, body any) (status int, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.addr+"/api/v2"+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, err
	}
	request.SetBasicAuth("admin", c.password)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, bytes.TrimSpace(text))
	}
	return answer.StatusCode, err
}

// get is the body of a successful answer.
func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, answer.Status)
	}
	return string(text), err
}
