package admin_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"muster/manager/api/apitest"
	"muster/manager/enroll/enrolltest"
	devices "muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// applies has a device ask for a certificate with the token, and gives the state of the answer.
func applies(t *testing.T, server *apitest.Server, device, token string, key crypto.Signer) string {
	t.Helper()
	body, err := enrolltest.Request(t, device, key, token).Encode()
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(server.URL+"/api/v2/enroll", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	reply, err := topics.ParseCertificateReply(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return reply.State
}

// enrollToken makes a token that needs an admin's approval, and gives its ID too.
func enrollToken(t *testing.T, args ...string) (token, id string) {
	t.Helper()
	r := muster(t, append([]string{"token", "create", "--approve", "--uses", "20"}, args...)...)
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	token = strings.TrimSpace(r.stdout)
	id, _, _ = strings.Cut(token, ".")
	return token, id
}

// states are those of the identities of the devices, in order, as get devices shows them.
func states(t *testing.T, args ...string) string {
	t.Helper()
	var found []devices.Device
	r := muster(t, append([]string{"get", "devices", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || r.code != 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	var all []string
	for _, d := range found {
		all = append(all, d.Device+"="+string(d.IdentityState))
	}
	return strings.Join(all, " ")
}

func TestApprove(t *testing.T) {
	server := shops(t)
	token, id := enrollToken(t, "-g", "shops")
	key := enrolltest.Key(t)
	if state := applies(t, server, "till-1", token, key); state != topics.Pending {
		t.Fatalf("the answer is %s", state)
	}
	muster(t, "devices", "approve", "till-9", "till-1", "a b").want(t, 1, "device \"till-1\" approved\n",
		"muster: device \"till-9\": has no identity: it has not enrolled; device \"a b\": invalid name: may only contain letters, digits, '_' and '-'\n")
	muster(t, "devices", "approve", "till-1").want(t, 0, "device \"till-1\" approved\n", "")
	if state := applies(t, server, "till-1", token, key); state != topics.Issued {
		t.Errorf("the answer is %s", state)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	r := muster(t, "describe", "device", "till-1")
	for _, want := range []string{
		`identity +active, approved \S+ \S+ \(.* ago\) by root, came with token ` + id + ` \S+ \S+ \(.* ago\)`,
		` +key SHA-256 ` + hex.EncodeToString(sum[:]),
		` +certificate [0-9a-f]+ of authority 1, until \S+ \S+ \(in .*\)`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(r.stdout) {
			t.Errorf("no line %s in\n%s", want, r.stdout)
		}
	}
	if r := muster(t, "get", "devices", "till-1"); !regexp.MustCompile(`\ntill-1 +shops +active +offline `).MatchString(r.stdout) {
		t.Errorf("%+v", r)
	}
}

func TestApproveAll(t *testing.T) {
	server := shops(t)
	token, id := enrollToken(t, "-g", "shops")
	other, _ := enrollToken(t, "-g", "lab")
	muster(t, "devices", "approve", "--all").want(t, 0, "no device waits\n", "")
	key := enrolltest.Key(t)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	for _, d := range []struct{ device, token string }{{"till-1", token}, {"till-2", token}, {"till-3", token}, {"bench-1", other}, {"bench-2", other}} {
		applies(t, server, d.device, d.token, key)
	}
	muster(t, "devices", "approve", "till-3")
	if got := states(t, "--pending"); got != "bench-1=pending bench-2=pending till-1=pending till-2=pending" {
		t.Errorf("pending are %s", got)
	}
	if got := states(t, "--pending=false"); got != "till-3=active" {
		t.Errorf("not pending are %s", got)
	}
	for answer, code := range map[string]int{"": 2, "no\n": 2, "y\n": 2, "yes, please\n": 2} {
		r := musterReads(t, answer, "devices", "approve", "--all", "--token-id", id)
		if r.code != code || r.stdout != "" || !strings.Contains(r.stderr, "\n2 devices are to be approved. Say yes: muster: nothing was done") ||
			!strings.Contains(r.stderr, hex.EncodeToString(sum[:])) || strings.Contains(r.stderr, "bench") {
			t.Errorf("%q: %+v", answer, r)
		}
	}
	if r := musterReads(t, "yes\n", "devices", "approve", "--all", "--token-id", id); r.code != 0 || r.stdout != "device \"till-1\" approved\ndevice \"till-2\" approved\n" {
		t.Errorf("%+v", r)
	}
	muster(t, "devices", "deny", "--all", "-g", "shops", "--yes").want(t, 0, "no device waits\n", "")
	muster(t, "devices", "deny", "--all", "-g", "lab", "--yes").want(t, 0, "device \"bench-1\" denied\ndevice \"bench-2\" denied\n", "")
	if got := states(t); got != "bench-1=revoked bench-2=revoked till-1=active till-2=active till-3=active" {
		t.Errorf("the devices are %s", got)
	}
}

func TestDeny(t *testing.T) {
	server := shops(t)
	token, _ := enrollToken(t, "-g", "shops")
	key := enrolltest.Key(t)
	applies(t, server, "till-1", token, key)
	applies(t, server, "till-2", token, key)
	muster(t, "devices", "approve", "till-2")
	muster(t, "devices", "deny", "till-2", "till-1", "none").want(t, 1, "device \"till-1\" denied\n",
		"muster: device \"till-2\": does not wait to be let in; muster devices revoke shuts out whoever is in; device \"none\" does not exist\n")
	if state := applies(t, server, "till-1", token, key); state != topics.Refused {
		t.Errorf("the answer is %s", state)
	}
	muster(t, "devices", "approve", "till-1").want(t, 1, "",
		"muster: device \"till-1\": was revoked, which cannot be taken back: delete it, and have it enroll anew\n")
	muster(t, "delete", "device", "till-1").want(t, 0, "device \"till-1\" deleted\n", "")
	if state := applies(t, server, "till-1", token, key); state != topics.Pending {
		t.Errorf("a device that was forgotten is answered %s", state)
	}
}

func TestRevoke(t *testing.T) {
	server := tills(t)
	token, _ := enrollToken(t, "-g", "shops")
	for _, device := range []string{"till-1", "till-2", "till-3"} {
		applies(t, server, device, token, enrolltest.Key(t))
	}
	muster(t, "devices", "revoke", "till-1").want(t, 0, "device \"till-1\" revoked\n", "")
	const question = "2 devices are to be shut out for good. Say yes: "
	musterReads(t, "\n", "devices", "revoke", "till-2", "till-3").want(t, 2, "",
		question+"muster: nothing was done: nobody has said yes; --yes says it beforehand\n")
	if got := states(t); got != "till-1=revoked till-2=pending till-3=pending till-4=" {
		t.Errorf("the devices are %s", got)
	}
	musterReads(t, "yes\n", "devices", "revoke", "till-2", "till-4").want(t, 1, "device \"till-2\" revoked\n",
		question+"muster: device \"till-4\": has no identity: it has not enrolled\n")
	muster(t, "devices", "revoke", "--yes", "till-3", "none").want(t, 1, "device \"till-3\" revoked\n", "muster: device \"none\" does not exist\n")
	if i, err := server.Store.Identities().Get(t.Context(), "till-3"); err != nil || i.State != store.IdentityRevoked || i.By != apitest.User {
		t.Errorf("%+v, %v", i, err)
	}
	if r := muster(t, "describe", "device", "till-1"); !strings.Contains(r.stdout, "\nas wanted     no: it was shut out by root\n") {
		t.Errorf("%+v", r)
	}
}

func TestDecisionsThatMakeNoSense(t *testing.T) {
	manager(t).Close() // whoever asks gets exit code 1
	for args, want := range map[string]string{
		"devices":                          "devices what? approve, deny, revoke or secret",
		"devices approve":                  "NAME: must be given, or --all instead",
		"devices deny till-1 --all":        "NAME: must be given, or --all instead",
		"devices approve till-1 -g shops":  "NAME: cannot be joined by --device-group or --token-id",
		"devices deny till-1 --token-id A": "NAME: cannot be joined by --device-group or --token-id",
		"devices revoke":                   "requires at least 1 arg(s)",
		"devices revoke --all":             "unknown flag: --all",
	} {
		if r := muster(t, strings.Fields(args)...); r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, want) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: %+v, want exit code 2 and %q", args, r, want)
		}
	}
}

func TestCompletionOfDecisions(t *testing.T) {
	server := tills(t)
	token, _ := enrollToken(t, "-g", "shops")
	for _, device := range []string{"new-1", "new-2", "till-2"} {
		applies(t, server, device, token, enrolltest.Key(t))
	}
	for args, want := range map[string]string{
		"devices approve ":        "new-1 new-2 till-2",
		"devices approve new-1 n": "new-2",
		"devices deny t":          "till-2",
		"devices revoke till":     "till-1 till-2 till-3 till-4",
	} {
		r := muster(t, append([]string{"__complete"}, strings.Split(args, " ")...)...)
		offered, directive, _ := strings.Cut(r.stdout, ":")
		if got := strings.Join(strings.Fields(offered), " "); got != want || directive != "4\n" || r.code != 0 {
			t.Errorf("%q: %+v, want %q and no files", args, r, want)
		}
	}
}
