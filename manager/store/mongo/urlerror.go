package mongo

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

// What is wrong with URLs. The parser would quote what it takes for a host, a port or a database, and that may be a
// password: of mongodb://user:password, where the host was forgotten, for example.
var (
	errScheme  = errors.New("mongo-url: must start with mongodb:// or mongodb+srv://")
	errHosts   = errors.New("mongo-url: must be mongodb://[USER:PASSWORD@]HOST[:PORT][/DATABASE], with a port from 1 to 65535, or mongodb+srv://[USER:PASSWORD@]HOST[/DATABASE]")
	errUser    = errors.New("mongo-url: the user name and the password must be percent-encoded (%40 for @, %2F for /, %3A for :, %25 for %)")
	errEscapes = errors.New("mongo-url: the database and the options must be percent-encoded (%25 for %)")
)

// urlError says what is wrong with a URL that the parser refuses with err. It quotes nothing of the URL but its options.
func urlError(whole string, err error) error {
	scheme, rest, _ := strings.Cut(whole, "://")
	srv := scheme == connstring.SchemeMongoDBSRV
	if !srv && scheme != connstring.SchemeMongoDB {
		return errScheme
	}
	at := strings.LastIndex(rest, "@")
	hosts, tail := rest[at+1:], ""
	if end := strings.IndexAny(hosts, "/?"); end >= 0 {
		hosts, tail = hosts[:end], hosts[end:]
	}
	switch {
	case !parses(hosts) || srv && strings.Contains(hosts, ":"):
		return errHosts
	case at >= 0 && !parses(rest[:at]+"@host"):
		return errUser
	}
	if _, unescaped := url.QueryUnescape(tail); unescaped != nil {
		return errEscapes
	}
	return fmt.Errorf("mongo-url: %w", err)
}

// parses looks at users and hosts alone, and asks no DNS.
func parses(authority string) bool {
	_, err := connstring.Parse(connstring.SchemeMongoDB + "://" + authority)
	return err == nil
}
