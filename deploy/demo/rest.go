package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
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
const httpsFile, mqttsFile, mqttFile = "https.addr", "mqtts.addr", "mqtt.addr"

// rootsFile has the certificate authorities to trust.
const rootsFile = "ca.pem"

// forgetAddresses removes what an earlier manager said: other programs may listen there by now, and would be
// asked with the admin's password.
func forgetAddresses(dataDir string) error {
	for _, name := range []string{httpsFile, mqttsFile, mqttFile} {
		if err := os.Remove(filepath.Join(dataDir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// A client calls the manager's REST API as the admin.
type client struct {
	addr, password string
	http           *http.Client
}

// newClient trusts the authorities of the manager that has its data in that directory.
func newClient(addr, password, dataDir string) (*client, error) {
	pem, err := os.ReadFile(filepath.Join(dataDir, rootsFile))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", rootsFile)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	return &client{addr, password, &http.Client{Transport: transport}}, nil
}

// A listening says where the manager's broker listens.
type listening struct{ overTLS, plain string }

// awaitManager waits until the manager answers, and gives its REST API and its broker.
func awaitManager(ctx context.Context, manager *process, dataDir string) (rest *client, broker listening, err error) {
	err = poll(ctx, 30*time.Second, func(ctx context.Context) error {
		lines := make(map[string]string)
		for _, name := range []string{passwordFile, httpsFile, mqttsFile, mqttFile} {
			content, err := os.ReadFile(filepath.Join(dataDir, name))
			if err != nil {
				return err
			}
			lines[name] = strings.TrimSpace(string(content))
		}
		broker = listening{lines[mqttsFile], lines[mqttFile]}
		if rest, err = newClient(lines[httpsFile], lines[passwordFile], dataDir); err != nil {
			return err
		}
		_, err := rest.call(ctx, http.MethodGet, "/status", nil, nil)
		return err
	}, manager)
	return rest, broker, err
}

// call makes one request. An answer other than a success is an error that quotes it; its status is given
// either way. What a success says goes into answered, unless that is nil.
func (c *client) call(ctx context.Context, method, path string, body, answered any) (status int, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "https://"+c.addr+"/api/v2"+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, err
	}
	request.SetBasicAuth("admin", c.password)
	answer, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, bytes.TrimSpace(text))
	}
	if err == nil && answered != nil {
		err = json.Unmarshal(text, answered)
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
