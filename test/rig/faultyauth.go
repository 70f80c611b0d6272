package rig

import (
	"encoding/json"
	"net/http"
	"strings"
)

// BasicAuth demands a user name and a password with each request.
func BasicAuth(user, password string) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if u, p, _ := r.BasicAuth(); u == user && p == password {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="faulty"`)
			unauthorized(w, "authentication required")
		})
	}
}

// tokenPath is where [TokenAuth] gives out its token.
const tokenPath = "/token"

// TokenAuth demands a bearer token with each request, and gives it out to those with the user name and the
// password, or with that identity token, as large public registries do.
func TokenAuth(user, password, identity string) Fault {
	const token = "a-token"
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == tokenPath:
				u, p, _ := r.BasicAuth()
				// An identity token comes as the form of a POST.
				if u == user && p == password || identity != "" && r.PostFormValue("refresh_token") == identity {
					_ = json.NewEncoder(w).Encode(map[string]string{"token": token, "access_token": token})
					return
				}
				unauthorized(w, "incorrect username or password")
			case r.Header.Get("Authorization") == "Bearer "+token:
				next.ServeHTTP(w, r)
			default:
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+tokenPath+`",service="faulty"`)
				unauthorized(w, "authentication required")
			}
		})
	}
}

// unauthorized answers as a registry does.
func unauthorized(w http.ResponseWriter, said string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"` + strings.TrimSpace(said) + `"}]}`))
}
