package worker

import "context"

// Storage is the part of an [Engine] that is about the room that images take.
type Storage interface {
	// Images reads all images that the engine has, whoever fetched or built them, ordered by id.
	Images(ctx context.Context) ([]Image, error)
	// RemoveImage removes an image by its id, with all names that it has by then, and never by force: it fails
	// with [ErrConflict] when a container was made from it or another image builds on it. One that does not exist
	// is fine.
	RemoveImage(ctx context.Context, id string) error
	// PullSize asks the image's registry what Pull would have to fetch now.
	PullSize(ctx context.Context, image string) (PullSize, error)
	// Free is how many bytes are free where the engine keeps images. It fails where the worker cannot see that.
	Free(ctx context.Context) (int64, error)
}

// An Image is one that the engine has.
type Image struct {
	ID string
	// Names are the tags and digests that it goes by; none for one whose tag has moved on, with some engines.
	Names []string
	// Bytes is its size on the disk, what it shares with other images included.
	Bytes int64
	// Used says that there is a container of it, in whatever state and whoever's.
	Used bool
}

// A PullSize is what a pull has to fetch: the layers that are not on the device.
type PullSize struct {
	// Layers counts them.
	Layers int
	// Packed is their size in bytes as they are fetched, and Unpacked about what they take on the disk then.
	Packed, Unpacked int64
}
