// Command hello is the app of the tests and the demo: a small static web server whose answers say which
// version of the image runs, with which environment, and what it sees of its volumes and devices.
//
//	GET /             "$GREETING $VERSION"
//	GET /env          the environment, one variable per line, sorted
//	GET /file?path=P  what the file holds; of a device, the first bytes
//	PUT /file?path=P  writes the body to the file
//	GET /fetch?url=U  what another server says, to see whom the container can reach
//
// It listens on $PORT, 8080 when that is not set.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	exit := flag.Int("exit", -1, "end with that `code`")
	after := flag.Duration("after", 0, "how long to wait before -exit")
	text := flag.String("say", "", "`text` to write to the standard output at first")
	ignoreTerm := flag.Bool("ignore-term", false, "go on when told to stop, so that only a kill helps")
	flag.Parse()
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
		say(http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "8080"), routes()))
		os.Exit(1)
	}()
	<-ctx.Done()
	if *ignoreTerm {
		say("told to stop, going on")
		select {}
	}
}

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
