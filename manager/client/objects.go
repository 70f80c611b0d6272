package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"

	"muster/manager/store"
	"muster/topics"
)

// Objects are the objects of one kind. Fields to create or update with are anything that json.Marshal makes an
// object of: the object's own type for all of its fields, or a map for some. The object's name and ids in it are
// ignored by the manager.
type Objects[T any] struct {
	client *Client
	kind   string // the word for one
}

// Apps are the apps.
func (c *Client) Apps() Objects[topics.App] { return Objects[topics.App]{c, "app"} }

// CronJobs are the cron_jobs.
func (c *Client) CronJobs() Objects[topics.CronJob] { return Objects[topics.CronJob]{c, "cron_job"} }

// DeviceGroups are the device_groups.
func (c *Client) DeviceGroups() Objects[store.DeviceGroup] {
	return Objects[store.DeviceGroup]{c, "device_group"}
}

// Users are the users. The fields that they are created or updated with are password and token, in clear.
func (c *Client) Users() Objects[store.User] { return Objects[store.User]{c, "user"} }

// UserGroups are the user_groups.
func (c *Client) UserGroups() Objects[store.UserGroup] {
	return Objects[store.UserGroup]{c, "user_group"}
}

// Kind is the word for one of the objects: "app".
func (o Objects[T]) Kind() string { return o.kind }

// Names lists the names of all, in ascending byte order.
func (o Objects[T]) Names(ctx context.Context) ([]string, error) {
	answer := map[string][]string{}
	if _, err := o.client.do(ctx, call{method: http.MethodGet, path: "/" + o.kind + "s", do: "list", kind: o.kind + "s"}, &answer); err != nil {
		return nil, err
	}
	names, ok := answer[o.kind+"s"]
	if !ok {
		return nil, fmt.Errorf("list %ss: the answer makes no sense, is %s a Muster?", o.kind, o.client.base)
	}
	return names, nil
}

// Get reads one. It fails with [ErrNotFound].
func (o Objects[T]) Get(ctx context.Context, name string) (T, error) {
	return one[T](ctx, o.client, call{method: http.MethodGet, do: "get"}, o.kind, name, "")
}

// Create makes a new one with the fields, and defaults for those left out. It fails with [ErrExists].
func (o Objects[T]) Create(ctx context.Context, name string, fields any) (T, error) {
	return one[T](ctx, o.client, call{method: http.MethodPost, do: "create", body: fields}, o.kind, name, "")
}

// Update sets the fields that are given, and no others. It fails with [ErrNotFound].
func (o Objects[T]) Update(ctx context.Context, name string, fields any) (T, error) {
	return one[T](ctx, o.client, call{method: http.MethodPut, do: "update", body: fields}, o.kind, name, "/update")
}

// Delete removes one. It fails with [ErrNotFound], but not when an attempt of its own may have removed it.
func (o Objects[T]) Delete(ctx context.Context, name string) error {
	return o.client.remove(ctx, o.kind, name)
}

// remove deletes an object.
func (c *Client) remove(ctx context.Context, kind, name string) error {
	what, err := about(call{method: http.MethodDelete, do: "delete"}, kind, name, "")
	if err != nil {
		return err
	}
	attempts, err := c.do(ctx, what, nil)
	if attempts > 1 && errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// A Result is what became of reading one object.
type Result[T any] struct {
	Name  string
	Value T
	Err   error
}

// GetAll reads the named objects, [Parallel] at a time, and gives a result for each, in their order.
func (o Objects[T]) GetAll(ctx context.Context, names []string) []Result[T] {
	results := make([]Result[T], len(names))
	var group errgroup.Group
	group.SetLimit(Parallel)
	for i, name := range names {
		group.Go(func() error {
			value, err := o.Get(ctx, name)
			results[i] = Result[T]{Name: name, Value: value, Err: err}
			return nil
		})
	}
	_ = group.Wait() // its functions do not fail
	return results
}

// about completes a call that is about one object, on its path with more behind it.
func about(what call, kind, name, more string) (call, error) {
	if name == "" {
		return call{}, fmt.Errorf("%s %s: the name must not be empty", what.do, kind)
	}
	what.kind, what.name = kind, name
	what.path = "/" + kind + "s/" + url.PathEscape(name) + more
	return what, nil
}

// one makes a call that is about one object and is answered with something.
func one[T any](ctx context.Context, c *Client, what call, kind, name, more string) (answer T, err error) {
	if what, err = about(what, kind, name, more); err != nil {
		return answer, err
	}
	_, err = c.do(ctx, what, &answer)
	return answer, err
}
