package api_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"muster/manager/api/openapi/openapitest"
)

// A visit is what a browser did while a page was open.
type visit struct {
	mu       sync.Mutex
	requests []string
	problems []string // what is in the console, where it says what the page's policy forbade
}

func (v *visit) add(to *[]string, what string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	*to = append(*to, what)
}

// host is what the browser knows the manager by. On the loopback interface Swagger UI leaves out what it would ask of
// servers on the internet.
const host = "muster.example"

// browse starts a browser. It answers the prompt for a user and password as the admin.
func browse(t *testing.T) (context.Context, *visit) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // it is not started as root otherwise
		chromedp.Flag("host-resolver-rules", "MAP "+host+" 127.0.0.1"))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("the tests need a browser (test/needs.sh installs chromium): %v", err)
	}

	v := &visit{}
	login := &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: user, Password: password}
	follow(ctx, network.RequestWillBeSent, func(e network.EventRequestWillBeSent) { v.add(&v.requests, e.Request.URL) })
	follow(ctx, fetch.RequestPaused, func(e fetch.EventRequestPaused) {
		_, _ = chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
	})
	follow(ctx, fetch.AuthRequired, func(e fetch.EventAuthRequired) {
		_, _ = chromedp.Call(ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID, AuthChallengeResponse: login})
	})
	console := chromedp.Console(ctx)
	go func() {
		for message, err := range console {
			if err == nil {
				v.add(&v.problems, message.String())
			}
		}
	}()
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	yes := true
	if _, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &yes}); err != nil {
		t.Fatal(err)
	}
	return ctx, v
}

// follow calls do for every event of a kind until ctx ends.
func follow[E any](ctx context.Context, kind cdp.Event[E], do func(E)) {
	events := chromedp.Events(ctx, kind)
	go func() {
		for e, err := range events {
			if err == nil {
				do(e)
			}
		}
	}()
}

// run has the browser do something, in a minute at most.
func run[T any](ctx context.Context, t *testing.T, v *visit, do chromedp.Action[T]) T {
	t.Helper()
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	result, err := chromedp.Run(ctx, do)
	if err != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		t.Fatalf("%v; in the console: %q; requests: %q", err, v.problems, v.requests)
	}
	return result
}

// The page shows every operation, and a request can be tried out, with nothing loaded from anywhere else.
func TestDocsInABrowser(t *testing.T) {
	m := newManager(t)
	m.fill()
	server := httptest.NewServer(m.handler)
	defer server.Close()
	url := strings.Replace(server.URL, "127.0.0.1", host, 1)
	ctx, v := browse(t)

	const status = chromedp.CSS("#operations-Manager-getStatus")
	inside := func(selector string) chromedp.CSS { return status + " " + chromedp.CSS(selector) }
	run(ctx, t, v, chromedp.Navigate(url+"/api/v2/docs"))
	run(ctx, t, v, chromedp.WaitVisible(status))
	title := run(ctx, t, v, chromedp.Title())
	intro := run(ctx, t, v, chromedp.Text(chromedp.CSS(".information-container")))
	shown := run(ctx, t, v, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".opblock")].filter(e => e.checkVisibility()).map(e =>
		e.querySelector(".opblock-summary-method").textContent + " " + e.querySelector(".opblock-summary-path").dataset.path)`))
	run(ctx, t, v, chromedp.Click(inside(".opblock-summary-control")))
	run(ctx, t, v, chromedp.Click(inside(".try-out__btn"), chromedp.NodeVisible))
	run(ctx, t, v, chromedp.Click(inside(".execute"), chromedp.NodeVisible))
	tried := run(ctx, t, v, chromedp.Text(inside(".live-responses-table .response"), chromedp.NodeVisible))

	visible := map[string]bool{}
	for _, one := range shown {
		visible[one] = true
	}
	openapitest.Load(t).Operations(func(method, path string, _ openapitest.Place) {
		if !visible[method+" "+path] {
			t.Errorf("%s %s is not visible", method, path)
		}
	})
	if title != "Muster REST API" || !strings.Contains(intro, "First steps") {
		t.Errorf("title %q, introduction %.200q", title, intro)
	}
	if !strings.Contains(tried, "200") || !strings.Contains(tried, `"api_available": true`) {
		t.Errorf("GET /status, tried out, shows %q", tried)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, asked := range v.requests {
		if !strings.HasPrefix(asked, url+"/api/v2/") && !strings.HasPrefix(asked, "data:") {
			t.Errorf("the page asked for %s", asked)
		}
	}
	if len(v.requests) < 6 {
		t.Errorf("only %q were asked for", v.requests)
	}
	for _, problem := range v.problems {
		t.Errorf("in the console: %s", problem)
	}
}
