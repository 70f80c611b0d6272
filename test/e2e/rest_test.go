package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// fields is a JSON object.
type fields map[string]any

// call makes one REST request as the admin, and gives the status and the decoded answer.
func (in *installation) call(method, path string, body any) (status int, answer fields) {
	in.t.Helper()
	status, answer, err := in.tryCall(method, path, body)
	if err != nil {
		in.t.Fatal(err)
	}
	return status, answer
}

// must is call for what has to succeed.
func (in *installation) must(method, path string, body any) fields {
	in.t.Helper()
	status, answer := in.call(method, path, body)
	if status >= 300 {
		in.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

func (in *installation) tryCall(method, path string, body any) (status int, answer fields, err error) {
	var encoded io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		encoded = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(in.t.Context(), method, "http://"+in.httpAddr+"/api/v2"+path, encoded)
	if err != nil {
		return 0, nil, err
	}
	request.SetBasicAuth("admin", in.password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	return response.StatusCode, answer, json.NewDecoder(response.Body).Decode(&answer)
}

// get is the first line that an app answers on its port, or why it does not answer.
func get(port int) (string, error) {
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return strings.TrimSpace(string(body)), err
}

// awaitAnswer waits until the app on that port answers with text.
func (in *installation) awaitAnswer(port int, text string) {
	in.t.Helper()
	await(in.t, fmt.Sprintf("the app on port %d to answer %q", port, text), func() error {
		answer, err := get(port)
		if err == nil && answer != text {
			err = fmt.Errorf("it answers %q", answer)
		}
		return err
	})
}

// errStill says that something has not changed yet.
var errStill = errors.New("still as it was")

func itoa(n int) string { return strconv.Itoa(n) }
