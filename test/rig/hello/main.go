// Command hello is the app of the tests and the demo: a small static web server whose answers say which
// version of the image runs, with which environment, and what it sees of its volumes and devices.
//
//	GET /             "$GREETING $VERSION"
//	GET /env          the environment, one variable per line, sorted
//	GET /file?path=P  what the file holds; of a device, the first bytes
//	PUT /file?path=P  writes the body to the file
//	GET /fetch?url=U  what another server says, to see whom the container can reach
//	GET /health       200, or 503 when it is sick
//	PUT /health       makes it "sick" or "well"
//	GET /eat?mb=N     takes that much memory and keeps it
//
// It listens on $PORT, 8080 when that is not set. As "hello -check" it is the health check of such a server.
package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	exit := flag.Int("exit", -1, "end with that `code`")
	after := flag.Duration("after", 0, "how long to wait before -exit")
	text := flag.String("say", "", "`text` to write to the standard output at first")
	ignoreTerm := flag.Bool("ignore-term", false, "go on when told to stop, so that only a kill helps")
	isSick := flag.Bool("sick", false, "be sick from the start")
	check := flag.Bool("check", false, "end with code 0 when the server is well, else with 1")
	flag.Parse()
	if *check {
		os.Exit(ask(address() + "/health"))
	}
	sick.Store(*isSick)
	fmt.Print(*text)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if *exit >= 0 {
		select {
		case <-time.After(*after):
			say("ending, as asked")
			os.Exit(*exit)
		case <-ctx.Done():
			os.Exit(128 + int(syscall.SIGTERM))
		}
	}
	go func() {
		say(http.ListenAndServe(":"+port(), routes()))
		os.Exit(1)
	}()
	<-ctx.Done()
	if *ignoreTerm {
		say("told to stop, going on")
		select {}
	}
}

func port() string { return cmp.Or(os.Getenv("PORT"), "8080") }

func address() string { return "http://127.0.0.1:" + port() }

// ask is 0 when the server answers well.
func ask(url string) (code int) {
	answer, err := http.Get(url)
	if err != nil {
		say(err)
		return 1
	}
	_ = answer.Body.Close() // nothing of it is wanted
	if answer.StatusCode != http.StatusOK {
		say(answer.Status)
		return 1
	}
	return 0
}

// sick is what GET /health tells.
var sick atomic.Bool

// eaten is the memory that GET /eat has taken.
var eaten sync.Map

func say(what any) { fmt.Fprintln(os.Stderr, "hello:", what) }

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, cmp.Or(os.Getenv("GREETING"), "hello"), cmp.Or(os.Getenv("VERSION"), "dev"))
	})
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, strings.Join(slices.Sorted(slices.Values(os.Environ())), "\n"))
	})
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(r.FormValue("path"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer file.Close()
		_, _ = io.Copy(w, io.LimitReader(file, 1<<20)) // a client that went away
	})
	mux.HandleFunc("PUT /file", func(w http.ResponseWriter, r *http.Request) {
		if err := write(r.FormValue("path"), r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /fetch", func(w http.ResponseWriter, r *http.Request) {
		answer, err := http.Get(r.FormValue("url"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		_, _ = io.Copy(w, answer.Body)
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			http.Error(w, "sick", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("PUT /health", func(w http.ResponseWriter, r *http.Request) {
		how, err := io.ReadAll(r.Body)
		if err != nil || string(how) != "sick" && string(how) != "well" {
			http.Error(w, `must be "sick" or "well"`, http.StatusBadRequest)
			return
		}
		sick.Store(string(how) == "sick")
	})
	mux.HandleFunc("GET /eat", func(w http.ResponseWriter, r *http.Request) {
		mb, err := strconv.Atoi(r.FormValue("mb"))
		if err != nil || mb < 0 {
			http.Error(w, "mb must be a number", http.StatusBadRequest)
			return
		}
		eaten.Store(r, bytes.Repeat([]byte{1}, mb<<20))
	})
	return mux
}

func write(path string, from io.Reader) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
