package api

import (
	"net/http"

	"muster/manager/auth"
	"muster/manager/store"
)

// This file is the one place that says what a caller must be allowed. The needs of each path are in routes.go.

// A need reports whether somebody may make a request.
type need func(auth.Identity, *http.Request) bool

// anyone may, once it is known who it is.
func anyone(auth.Identity, *http.Request) bool { return true }

func admin(who auth.Identity, _ *http.Request) bool { return who.Admin }

func pruning(who auth.Identity, _ *http.Request) bool { return who.MayPrune() }

// app, group and cronJob want a right to the object that the path names.

func app(right store.Right) need {
	return func(who auth.Identity, r *http.Request) bool { return who.MayApp(pathName(r, "app"), right) }
}

func group(right store.Right) need {
	return func(who auth.Identity, r *http.Request) bool { return who.MayDeviceGroup(pathName(r, "group"), right) }
}

func cronJob(right store.Right) need {
	return func(who auth.Identity, r *http.Request) bool { return who.MayCronJob(pathName(r, "cron_job"), right) }
}

// allowed is h for those who may.
func allowed(may need, h handler) handler {
	return func(r *http.Request) (int, any, error) {
		if !may(auth.IdentityFrom(r.Context()), r) {
			return 0, nil, errNotAllowed
		}
		return h(r)
	}
}
