package api

import (
	"context"
	"net/http"
)

// workloads answers the calls that apps and cron_jobs have alike.
type workloads[T any] struct {
	documents[T]
	// fresh is an object with every field at its default, and container its common fields.
	fresh     func(name string) T
	container func(*T) container
	// own are the fields that clients may set besides the common ones, required those without a default,
	// and ignored those that clients send back as they read them.
	own               func(*T) []field
	required, ignored []string
	check             func(T) error
	// fits reports why a device_group that lists the object could not have a config with it as it is after a
	// change. Before a creation it is zero.
	fits func(ctx context.Context, before, after T) error
}

func (w workloads[T]) create(r *http.Request) (int, any, error) {
	name := w.name(r)
	if err := w.kind.invalid(name); err != nil {
		return 0, nil, err
	}
	doc, err := w.given(r, name)
	if err != nil {
		return 0, nil, w.unlessTaken(r.Context(), name, err)
	}

	done, err := w.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	// Groups keep the name of what was deleted, so a new object may have groups already.
	var none T
	if err := w.fits(r.Context(), none, doc); err != nil {
		return 0, nil, w.unlessTaken(r.Context(), name, err)
	}
	return http.StatusOK, doc, w.add(r, name, doc)
}

// given is the new object that the body describes.
func (w workloads[T]) given(r *http.Request, name string) (doc T, err error) {
	patch, err := readPatch(r, w.ignored...)
	if err != nil {
		return doc, err
	}
	if err := patch.need(w.required); err != nil {
		return doc, err
	}
	doc = w.fresh(name)
	return doc, w.apply(patch, &doc)
}

// apply sets the fields of doc that the body gives and checks the result.
func (w workloads[T]) apply(p patch, doc *T) error {
	common := w.container(doc)
	if err := p.apply(append(w.own(doc), common.fields()...)); err != nil {
		return err
	}
	if err := w.check(*doc); err != nil {
		return err
	}
	return common.check()
}

// replace is the update by POST: what the body leaves out goes back to its default.
func (w workloads[T]) replace(r *http.Request) (int, any, error) {
	return w.update(r, func(p patch) error { return p.need(w.required) }, func(doc *T) {
		name, id := *w.container(doc).name, *w.container(doc).id
		*doc = w.fresh(name)
		*w.container(doc).id = id
		*w.container(doc).env = nil // written as [], not {}: clients test for it
	})
}

// modify is the update by PUT or PATCH: what the body leaves out stays as it is.
func (w workloads[T]) modify(r *http.Request) (int, any, error) {
	return w.update(r, func(p patch) error {
		if p.isEmpty() {
			return errNothingGiven
		}
		return nil
	}, func(*T) {})
}

// update applies the body, when complete is content with it, to what prepare makes of the object.
func (w workloads[T]) update(r *http.Request, complete func(patch) error, prepare func(*T)) (int, any, error) {
	patch, err := readPatch(r, w.ignored...)
	if err == nil {
		err = complete(patch)
	}
	if err != nil {
		return 0, nil, w.ifThere(r, err)
	}
	return w.change(r, "update", func(doc *T) error {
		prepare(doc)
		return w.apply(patch, doc)
	})
}

// change applies alter, which may be called more than once, to the object that the path names and raises
// its id, if the result fits.
func (w workloads[T]) change(r *http.Request, action string, alter func(*T) error) (int, any, error) {
	done, err := w.beginChange(r.Context())
	if err != nil {
		return 0, nil, err
	}
	defer done()
	name := w.name(r)
	doc, err := w.alter(r, action, name, func(doc *T) error {
		before := *doc
		*w.container(doc).id++
		if err := alter(doc); err != nil {
			return err
		}
		return w.fits(r.Context(), before, *doc)
	})
	return http.StatusAccepted, doc, w.kind.about(name, err)
}
