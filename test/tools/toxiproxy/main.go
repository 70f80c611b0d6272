// Command toxiproxy is Shopify's TCP proxy for tests of bad networks, with its HTTP API on a port that is
// free. The first line that it prints is that API's address; it runs until its standard input ends.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"muster/test/tools/internal/serve"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "listen on `host:port`; port 0 picks a free one")
	flag.Parse()

	if err := serve.Until(os.Stdin, *addr, api()); err != nil {
		fmt.Fprintln(os.Stderr, "toxiproxy:", err)
		os.Exit(1)
	}
}

// api routes the part of the API that tests use. The server's own Listen cannot tell which port it got.
func api() http.Handler {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	router := mux.NewRouter()
	router.HandleFunc("/proxies", server.ProxyCreate).Methods(http.MethodPost)
	router.HandleFunc("/proxies/{proxy}", server.ProxyUpdate).Methods(http.MethodPost)
	router.HandleFunc("/proxies/{proxy}", server.ProxyDelete).Methods(http.MethodDelete)
	router.HandleFunc("/proxies/{proxy}/toxics", server.ToxicCreate).Methods(http.MethodPost)
	router.HandleFunc("/proxies/{proxy}/toxics/{toxic}", server.ToxicDelete).Methods(http.MethodDelete)
	return router
}
