package api_test

import (
	"slices"
	"strings"
	"testing"
)

// A request whose end is in doubt is the last one of its connection, so that a proxy in front and the manager cannot take
// the same bytes for different requests: none of these is answered twice.
func TestSmuggledRequests(t *testing.T) {
	m := newManager(t)
	m.fill()
	addr := served(t, m)
	const (
		login    = "Host: x\r\nAuthorization: Bearer " + token + "\r\n"
		start    = "POST /api/v2/apps/web/stop HTTP/1.1\r\n" + login
		smuggled = "DELETE /api/v2/apps/web HTTP/1.1\r\n" + login + "Content-Length: 0\r\n\r\n"
	)
	for name, sent := range map[string]string{
		"two lengths":                "Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + smuggled,
		"a list of lengths":          "Content-Length: 0, 5\r\n\r\n" + smuggled,
		"a negative length":          "Content-Length: -1\r\n\r\n" + smuggled,
		"a signed length":            "Content-Length: +0\r\n\r\n" + smuggled,
		"a hexadecimal length":       "Content-Length: 0x0\r\n\r\n" + smuggled,
		"an empty length":            "Content-Length: \r\n\r\n" + smuggled,
		"a length beyond all":        "Content-Length: 99999999999999999999\r\n\r\n" + smuggled,
		"chunked and a length":       "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"chunked twice":              "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"chunked and identity":       "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + smuggled,
		"an unknown encoding":        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"chunked after a tab":        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"a space before the colon":   "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"a NUL in a header":          "X: a\x00b\r\n\r\n" + smuggled,
		"a chunk that never ends":    "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + smuggled,
		"a chunk size with a sign":   "Transfer-Encoding: chunked\r\n\r\n-1\r\n" + smuggled,
		"a chunk with a longer body": "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n" + smuggled,
		"two hosts":                  "Host: y\r\nContent-Length: 0\r\n\r\n" + smuggled,
	} {
		answers, closed := rawly(t, addr, start+sent)
		if len(answers) > 1 || !closed {
			t.Errorf("%s: %d answers, connection closed: %v", name, len(answers), closed)
		}
		if w := m.do("GET", "/apps/web", ""); w.Code != 200 {
			t.Fatalf("%s: the smuggled request was made: the app is gone", name)
		}
	}
	// The control: what is in no doubt is answered, one after the other.
	if answers, _ := rawly(t, addr, start+"Content-Length: 0\r\n\r\n"+smuggled); len(answers) != 2 || m.do("GET", "/apps/web", "").Code != 403 {
		t.Errorf("two requests on one connection got %d answers", len(answers))
	}
}

// What is asked of the server itself, or of another by this one, is answered to nobody either.
func TestRequestsToNoPath(t *testing.T) {
	addr := served(t, newManager(t))
	for sent, want := range map[string]int{
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n":                                                    401,
		"OPTIONS /api/v2/apps HTTP/1.1\r\nHost: x\r\n\r\n":                                         401,
		"TRACE /api/v2/apps HTTP/1.1\r\nHost: x\r\n\r\n":                                           401,
		"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n":                        401,
		"GET http://other.example/api/v2/apps HTTP/1.1\r\nHost: x\r\n\r\n":                         401,
		"GET /api/v2/apps HTTP/1.1\r\n\r\n":                                                        400,
		"GET /api/v2/apps HTTP/1.1\r\nHost: a b\r\n\r\n":                                           400,
		"GET /api/v2/apps HTTP/3.0\r\nHost: x\r\n\r\n":                                             505,
		"GET /api/v2/%zz HTTP/1.1\r\nHost: x\r\n\r\n":                                              400,
		"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n":                                                     400,
		"GET /api/v2/apps HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 40<<10) + "\r\n\r\n":   431,
		"GET /api/v2/apps HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: a\r\n", 7000) + "\r\n\r\n": 431,
		"GET /api/v2/" + strings.Repeat("a", 40<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n":              431,
	} {
		// No more than the server reads: closing a connection with more in it resets it, and the answer may be lost.
		sent = sent[:min(len(sent), 32<<10+4096)]
		if answers, _ := rawly(t, addr, sent); !slices.Equal(answers, []int{want}) {
			t.Errorf("%.60q: answers %d, want one with %d", sent, answers, want)
		}
	}
}
