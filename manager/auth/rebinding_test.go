package auth_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"muster/manager/auth"
)

// Without authentication, a web page whose own name was made to resolve to 127.0.0.1 is no more than any stranger.
func TestDisabledIsForThisMachineOnly(t *testing.T) {
	a, err := auth.New(auth.Config{Disabled: true})
	if err != nil {
		t.Fatal(err)
	}
	for host, in := range map[string]bool{
		"localhost": true, "localhost:8080": true, "127.0.0.1:8080": true, "127.0.0.2": true, "[::1]:8080": true,
		"": false, "evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.evil.example:8080": false,
		"192.0.2.1:8080": false, "evil@127.0.0.1.example": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if id, err := a.REST(r); id.Admin != in || errors.Is(err, auth.ErrDenied) == in {
			t.Errorf("%q: %+v, %v", host, id, err)
		}
	}
}
