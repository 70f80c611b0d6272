package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// What is wrong with a file that SQLite itself has nothing against.
var (
	errForeign = errors.New("belongs to another program")
	errNewer   = errors.New("was written by a newer version of Muster")
	errMoved   = errors.New("was moved, removed or replaced while it was open")
	errNoWAL   = errors.New("is on a file system without shared memory, such as a network share")
)

// hints say what to do about an error. The first one that fits is taken.
var hints = []struct {
	fits func(error) bool
	text string
}{
	{is(errForeign), "give a path of its own to the store"},
	{is(errNewer), "run that version, or restore a backup of before the upgrade"},
	{is(errMoved), "stop this program, put the file or a backup back if it is gone, and start again: without one, an empty store is made"},
	{is(errNoWAL), "keep the store on a local disk"},
	{code(lib.SQLITE_NOTADB), "this is no store: move the file away, or restore a backup"},
	{code(lib.SQLITE_CORRUPT), "the file is damaged: restore a backup"},
	{anyOf(code(lib.SQLITE_FULL), is(syscall.ENOSPC), extended(lib.SQLITE_IOERR_SHMSIZE)), "the disk is full: make room; what was acknowledged is safe"},
	{anyOf(code(lib.SQLITE_READONLY), is(syscall.EROFS), is(fs.ErrPermission)), "let this user write to the file and its directory"},
	{is(fs.ErrNotExist), "make the directory"},
	{code(lib.SQLITE_CANTOPEN), "let this user write to the file and its directory, and check the limit of open files"},
	{code(lib.SQLITE_BUSY), "another process keeps it locked: see which one has the file open"},
	{code(lib.SQLITE_IOERR), "the disk fails: see the log of the kernel"},
}

// explain says which file an error is about and what to do. Answers that are not about the file come
// back as they are.
func (f file) explain(err error) error {
	if err == nil {
		return nil
	}
	for _, h := range hints {
		if h.fits(err) {
			return fmt.Errorf("store %s: %w (%s)", f.path, err, h.text)
		}
	}
	var failed *sqlite.Error
	if errors.As(err, &failed) || errors.Is(err, errClosed) {
		return fmt.Errorf("store %s: %w", f.path, err)
	}
	return err
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func anyOf(fits ...func(error) bool) func(error) bool {
	return func(err error) bool {
		for _, f := range fits {
			if f(err) {
				return true
			}
		}
		return false
	}
}

// code fits errors of SQLite by their primary code, the lowest byte.
func code(primary int) func(error) bool {
	return func(err error) bool {
		var failed *sqlite.Error
		return errors.As(err, &failed) && failed.Code()&0xff == primary
	}
}

// extended fits errors of SQLite by their whole code.
func extended(whole int) func(error) bool {
	return func(err error) bool {
		var failed *sqlite.Error
		return errors.As(err, &failed) && failed.Code() == whole
	}
}

var isBusy = code(lib.SQLITE_BUSY)
