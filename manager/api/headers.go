package api

import (
	"net"
	"net/http"
	"strings"
)

// sealed keeps a browser from making anything of an answer but data: no script, no frame, no other site's page.
const sealed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// oneYear is for how long a browser that was here over TLS comes back over TLS only.
const oneYear = "max-age=31536000"

// secure sets the headers of every answer. Pages and files for browsers replace the policy with their own.
func secure(header http.Header, r *http.Request) {
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", sealed)
	header.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	if len(r.TransferEncoding) > 0 {
		// It may have had a Content-Length too, of which net/http does not tell; a proxy in front that believes the
		// length takes other bytes for the next request than we do. So there is none.
		header.Set("Connection", "close")
	}
	if r.TLS != nil && !local(r.Host) {
		header.Set("Strict-Transport-Security", oneYear)
	}
}

// local reports whether the host is this machine's own name for itself. A browser would take the promise of TLS for
// everything that anybody serves there, on all ports.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
