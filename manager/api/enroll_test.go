package api_test

import (
	"encoding/json"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"muster/manager/enroll/enrolltest"
	"muster/manager/store"
	"muster/topics"
)

// stranger makes a request without credentials.
func (m *manager) stranger(method, path, body string) *httptest.ResponseRecorder {
	return m.serve(httptest.NewRequest(method, "/api/v2"+path, strings.NewReader(body)))
}

// enrollToken makes an enrollment token as an admin does, with what the body says besides.
func (m *manager) enrollToken(more string) string {
	m.t.Helper()
	w := m.do("POST", "/tokens", `{"kind": "enroll", "device_group": "fleet"`+more+`}`)
	var made struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 200 || made.Token == "" {
		m.t.Fatalf("no token: %d %s", w.Code, w.Body)
	}
	return made.Token
}

// asks has a device with a new key ask with the token.
func (m *manager) asks(device, token string) (status int, reply topics.CertificateReply) {
	m.t.Helper()
	w := m.stranger("POST", "/enroll", enrollBody(m.t, device, token))
	reply, err := topics.ParseCertificateReply(w.Body.Bytes())
	if err != nil {
		m.t.Fatalf("%s: %v", w.Body, err)
	}
	if want := strconv.FormatInt(reply.RetryIn, 10); reply.RetryIn > 0 && w.Header().Get("Retry-After") != want {
		m.t.Errorf("Retry-After is %q, and retry_in %s", w.Header().Get("Retry-After"), want)
	}
	return w.Code, reply
}

// enrollBody is what a device asks with that has a new key and the token.
func enrollBody(t testing.TB, device, token string) string {
	t.Helper()
	body, err := enrolltest.Request(t, device, enrolltest.Key(t), token).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestDevicesEnrollWithoutCredentials(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		token := m.enrollToken("")
		if status, reply := m.asks("d1", token); status != 200 || reply.State != topics.Issued || reply.DeviceGroup != "fleet" {
			t.Errorf("the answer is %d %+v", status, reply)
		}
		if status, reply := m.asks("d2", token); status != 403 || reply.State != topics.Refused || reply.RequestID != "r1" {
			t.Errorf("a token that is used up: %d %+v", status, reply)
		}
		var detail struct {
			DeviceGroup string `json:"device_group"`
			Identity    struct {
				State, TokenID string
				Certificates   []any
			}
			Events []store.Event
		}
		w := m.do("GET", "/devices/d1", "")
		if err := json.Unmarshal(w.Body.Bytes(), &detail); err != nil || detail.DeviceGroup != "fleet" || detail.Identity.State != "active" ||
			len(detail.Identity.Certificates) != 1 || detail.Events[0].Kind != store.EventEnrolled {
			t.Errorf("the device is %s", w.Body)
		}
		w = m.do("POST", "/devices/d1/revoke", "")
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"state":"revoked"`) {
			t.Errorf("revoked: %d %s", w.Code, w.Body)
		}
		wantJSON(t, m.do("POST", "/devices/d1/approve", ""), 403, `{"identity_revoked": true}`)
		wantJSON(t, m.do("DELETE", "/devices/d1", ""), 200, `{}`)
		wantJSON(t, m.do("GET", "/devices/d1", ""), 403, `{"device_exists": false}`)
		if _, err := m.store.Identities().Get(t.Context(), "d1"); err == nil {
			t.Error("a device that was deleted has an identity")
		}
		var trail struct{ Audit []store.AuditEntry }
		if err := json.Unmarshal(m.do("GET", "/audit?kind=device", "").Body.Bytes(), &trail); err != nil {
			t.Fatal(err)
		}
		var actions []string
		for _, e := range trail.Audit {
			actions = append(actions, e.Action)
		}
		if got := strings.Join(actions, " "); got != "delete forget revoke enroll" {
			t.Errorf("the audit trail has %s", got)
		}
		if strings.Contains(m.log.String(), strings.Split(token, ".")[1]) {
			t.Error("the token is in the log")
		}
	})
}

func TestAnAdminApprovesOfADevice(t *testing.T) {
	m := newManager(t)
	m.fill()
	token := m.enrollToken(`, "approve": true, "uses": 2`)
	if status, reply := m.asks("d1", token); status != 202 || reply.State != topics.Pending || reply.RetryIn == 0 {
		t.Errorf("the answer is %d %+v", status, reply)
	}
	w := m.do("POST", "/devices/d1/approve", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"state":"active"`) || !strings.Contains(w.Body.String(), `"by":"root"`) {
		t.Errorf("approved: %d %s", w.Code, w.Body)
	}
	wantJSON(t, m.do("POST", "/devices/none/approve", ""), 403, `{"identity_exists": false}`)
	wantJSON(t, m.do("POST", "/devices/none/revoke", ""), 403, `{"device_exists": false}`)
	if err := m.store.Identities().Delete(t.Context(), "till"); err != nil {
		t.Fatal(err)
	}
	wantJSON(t, m.do("POST", "/devices/till/revoke", ""), 403, `{"identity_exists": false}`)
	wantJSON(t, m.do("POST", "/devices/a%20b/approve", ""), 400, `{"invalid_name": "may only contain letters, digits, '_' and '-'"}`)
}

func TestRequestsForCertificatesThatMakeNoSense(t *testing.T) {
	m := newManager(t)
	for name, tc := range map[string]struct{ body, want string }{
		"nothing":          {"", "is not JSON"},
		"no JSON":          {"{", "body: is not JSON"},
		"a list":           {"[]", "body"},
		"another field":    {`{"request_id": "1", "device": "d1"}`, "device: unknown field"},
		"a field twice":    {`{"request_id": "1", "csr": "a", "csr": "b"}`, "twice"},
		"a number":         {`{"request_id": 1}`, "request_id"},
		"no request_id":    {`{"csr": "x", "token": "y"}`, "request_id"},
		"too large":        {`{"csr": "` + strings.Repeat("x", 1<<20) + `"}`, "must not be larger than"},
		"a long token":     {`{"request_id": "1", "csr": "x", "token": "` + strings.Repeat("x", 300) + `"}`, "token"},
		"nested too deep":  {strings.Repeat("[", 10_000), "nested"},
		"a wrong encoding": {"{\"csr\": \"\xff\"}", "UTF-8"},
	} {
		w := m.stranger("POST", "/enroll", tc.body)
		var reply topics.CertificateReply
		if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != 400 || reply.State != topics.Refused || !strings.Contains(reply.Error, tc.want) {
			t.Errorf("%s: %d %.200s, want 400 about %q", name, w.Code, w.Body, tc.want)
		}
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if w := m.stranger(method, "/enroll", "{}"); w.Code != 401 {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	for _, path := range []string{"/enroll/", "/enroll/x", "/enroll/../devices", "//enroll"} {
		if w := m.stranger("POST", path, "{}"); w.Code != 401 {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
}
