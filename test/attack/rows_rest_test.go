package attack

import (
	"fmt"
	"net/http"
	"strings"
)

// rest are those on the REST API.
var rest = []string{overREST}

// ask makes a request whose line in the log has the attempt's name, and tells the outcome.
func (a *attempt) ask(method, path, body string, who func(*http.Request)) string {
	status, answer := a.rest(method, path, body, func(r *http.Request) {
		r.Header.Set("X-Request-Id", a.name)
		if who != nil {
			who(r)
		}
	})
	if status == 0 {
		return answer
	}
	return fmt.Sprint("HTTP ", status)
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// visitors try the REST API without credentials, or with wrong ones.
func visitors() []row {
	as := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	return []row{
		{"REST without credentials", rest, func(a *attempt) string {
			return a.ask("GET", "/api/v2/users", "", nil)
		}, "HTTP 401", byAddress},
		{"REST with a wrong password", rest, func(a *attempt) string {
			return a.ask("GET", "/api/v2/users", "", as("admin", "guess"))
		}, "HTTP 401", "user=admin"},
		{"REST as nobody we know", rest, func(a *attempt) string {
			return a.ask("GET", "/api/v2/users", "", as(a.name, "guess"))
		}, "HTTP 401", "user=attack"},
		{"REST with a token of nobody", rest, func(a *attempt) string {
			return a.ask("GET", "/api/v2/users", "", bearer("aaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaa"))
		}, "HTTP 401", byAddress},
		{"REST with a device's certificate", rest, func(a *attempt) string {
			c := *a.client
			transport := c.Transport.(*http.Transport).Clone()
			transport.TLSClientConfig.Certificates = append(transport.TLSClientConfig.Certificates, *a.enrolled(a.name, "thieves").certificate)
			defer transport.CloseIdleConnections()
			c.Transport, a.client = transport, &c
			return a.ask("GET", "/api/v2/users", "", nil)
		}, "HTTP 401", byAddress},
	}
}

// tricks are for the REST API to stumble over, by somebody with every right.
func tricks() []row {
	var rows []row
	for _, path := range []string{
		"..", "%2e%2e", "..%2fusers", "a%2fb", "a%00b", "a%0ab", "a%20b", "%e2%80%8b", "%ff", "a;b", "a%5cb", "%d0%b0pp", strings.Repeat("a", 300), "CON%3a",
	} {
		rows = append(rows, row{"an app called " + fmt.Sprintf("%.24s", path), rest, func(a *attempt) string {
			got := a.ask("POST", "/api/v2/apps/"+path, `{"docker_image":"`+bad(a.name)+`"}`, a.admin)
			if got == "HTTP 404" || got == "HTTP 307" || got == "HTTP 301" || got == "HTTP 405" {
				return "HTTP 400" // it is no app's path at all
			}
			return got
		}, "HTTP 400", "route="})
	}
	for what, body := range map[string]string{
		"100,000 levels": strings.Repeat(`{"a":`, 100_000), "100,000 lists": strings.Repeat("[", 100_000), "a number of 100,000 digits": `{"docker_image":` + strings.Repeat("9", 100_000) + "}",
		"one member twice": `{"docker_image":"a:1","docker_image":"b:1"}`, "more after its end": `{"docker_image":"a:1"}{}`, "no UTF-8": "{\"docker_image\":\"\xff\"}",
		"1e999": `{"docker_image":1e999}`,
	} {
		rows = append(rows, row{"JSON with " + what, rest, func(a *attempt) string {
			return a.ask("POST", "/api/v2/apps/"+a.name, body, a.admin)
		}, "HTTP 400", "route="})
	}
	return append(rows,
		row{"JSON of 64 MB", rest, func(a *attempt) string {
			return a.ask("POST", "/api/v2/apps/"+a.name, `{"docker_image":"`+strings.Repeat("a", 64<<20)+`"}`, a.admin)
		}, "HTTP 400", "route="},
		row{"JSON with 100,000 members", rest, func(a *attempt) string {
			var members []string
			for i := range 100_000 {
				members = append(members, fmt.Sprintf(`"m%d":1`, i))
			}
			return a.ask("POST", "/api/v2/apps/"+a.name, "{"+strings.Join(members, ",")+"}", a.admin)
		}, "HTTP 400", "route="},
	)
}
