// Package api is the REST API of a manager: Nebula's paths, bodies and status codes under /api/v2.
//
// A request goes one way: it is identified, decoded and validated, it reads or changes one document in
// the store, and it is answered. After a change the publisher is poked; the api itself publishes nothing.
// What is Nebula's here and what is Muster's own is in docs/decisions/rest-api.md.
package api
