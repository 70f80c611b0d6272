package mongo

import (
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

var (
	// errHangs says that a call was given up.
	errHangs = errors.New("the server has not answered in time")
	// errReplaced says that the epoch is not what it was.
	errReplaced = errors.New("the database was dropped or replaced while it was open")
)

// Error codes of the server.
const (
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeNotImplemented       = 238
)

// explain says which database an error is about and what to do, in one line.
func (a address) explain(err error) error {
	if err == nil {
		return nil
	}
	var selection topology.ServerSelectionError
	var answered mongo.ServerError
	switch {
	case errors.As(err, &selection) && !refuses(err, codeAuthenticationFailed):
		return fmt.Errorf("store %s: no server answers that can be written to: %w", a, err)
	case errors.As(err, &answered) && answered.HasErrorCode(codeUnauthorized):
		return fmt.Errorf("store %s: %w (give the user the role readWrite on the database)", a, err)
	case errors.Is(err, errReplaced):
		return fmt.Errorf("store %s: %w (stop this program, and start it again when the right database is back)", a, err)
	}
	return fmt.Errorf("store %s: %w", a, err)
}

// silent reports whether a server was found and did not answer in time. The driver's clock may be a little ahead of
// the context's.
func silent(err error) bool {
	var selection topology.ServerSelectionError
	return mongo.IsTimeout(err) && !errors.As(err, &selection)
}

func refuses(err error, code int) bool {
	var answered mongo.ServerError
	return errors.As(err, &answered) && answered.HasErrorCode(code)
}
