// Package client is a client of the REST API of a manager.
//
// Its calls are those of the API: see docs/decisions/rest-api.md. It checks nothing that the manager checks, and
// tells what the manager says in one sentence for people: see [Error].
package client
