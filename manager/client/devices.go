package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"muster/manager/fleet"
)

// MaxPage is the most devices that a manager gives at a time.
const MaxPage = 1000

// device is the word for one.
const device = "device"

// A DeviceQuery selects devices. Its zero value selects all that the caller may read.
type DeviceQuery struct {
	DeviceGroup string
	// Online, Behind, Failing and Pending select devices that are, or that are not; nil selects both. Pending ones wait for an
	// admin to let them in.
	Online, Behind, Failing, Pending *bool
	// Phase is one of [fleet.Device].
	Phase string
	// FailingApp selects devices on which this app fails.
	FailingApp string
	// Labels are "key" or "key=value" each; a device must have all of them.
	Labels []string
	// After selects devices whose names come after this one, in byte order.
	After string
}

func (q DeviceQuery) values() url.Values {
	query := values("device_group", q.DeviceGroup, "phase", q.Phase, "failing_app", q.FailingApp, "after", q.After)
	for name, is := range map[string]*bool{"online": q.Online, "behind": q.Behind, "failing": q.Failing, "pending": q.Pending} {
		if is != nil {
			query.Set(name, strconv.FormatBool(*is))
		}
	}
	if len(q.Labels) > 0 {
		query["label"] = q.Labels
	}
	return query
}

// Devices lists the devices that the query selects in ascending byte order of their names, page by page. An error ends it.
func (c *Client) Devices(ctx context.Context, q DeviceQuery) iter.Seq2[fleet.Device, error] {
	query := with(q.values(), values("page_size", strconv.Itoa(MaxPage)))
	return pages(ctx, c, call{path: "/devices", kind: "devices", query: query}, func(p fleet.Page) ([]fleet.Device, url.Values) {
		if p.Next == nil {
			return p.Devices, nil
		}
		return p.Devices, values("after", *p.Next)
	})
}

// CountDevices counts the devices that the query selects, and gives the first of them, at most size, which must be 1 to [MaxPage].
func (c *Client) CountDevices(ctx context.Context, q DeviceQuery, size int) (fleet.Page, error) {
	query := with(q.values(), values("page_size", strconv.Itoa(size), "counts", "true"))
	var page fleet.Page
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/devices", do: "count", kind: "devices", query: query}, &page)
	if err == nil && page.Counts == nil {
		err = errors.New("count devices: the answer has no counts")
	}
	return page, err
}

// Device is all that is known of one. It fails with [ErrNotFound].
func (c *Client) Device(ctx context.Context, name string) (fleet.Detail, error) {
	return one[fleet.Detail](ctx, c, call{method: http.MethodGet, do: "get"}, device, name, "")
}

// DeleteDevice has the managers forget a device; one that is connected comes back by itself. It fails with [ErrNotFound],
// but not when an attempt of its own may have deleted it.
func (c *Client) DeleteDevice(ctx context.Context, name string) error {
	return c.remove(ctx, device, name)
}

// An Annotation is what an admin changes about a device.
type Annotation struct {
	// Labels are those to set; nil removes one. Others stay.
	Labels map[string]*string `json:"labels,omitempty"`
	// Note replaces the note unless nil.
	Note *string `json:"note,omitempty"`
}

// AnnotateDevice changes labels and the note of a device, and returns it. It fails with [ErrNotFound].
func (c *Client) AnnotateDevice(ctx context.Context, name string, change Annotation) (fleet.Detail, error) {
	return one[fleet.Detail](ctx, c, call{method: http.MethodPatch, do: "label", body: change}, device, name, "")
}

// A NewSecret says how a device is to be let in by a secret.
type NewSecret struct {
	// DeviceGroup is where the device is from then on; it may be empty for one that has an identity.
	DeviceGroup string `json:"device_group,omitempty"`
	// ReplaceKey takes the key of a device that has one.
	ReplaceKey bool `json:"replace_key,omitempty"`
}

// MakeDeviceSecret lets a device in by a new secret, and returns it: it cannot be read again. The one before is out. It is not tried twice.
func (c *Client) MakeDeviceSecret(ctx context.Context, name string, s NewSecret) (secret string, err error) {
	answer, err := one[struct {
		Secret string `json:"secret"`
	}](ctx, c, call{method: http.MethodPost, do: "make a secret for", body: s}, device, name, "/secret")
	return answer.Secret, err
}
