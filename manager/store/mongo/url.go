package mongo

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

// DefaultDatabase is Nebula's.
const DefaultDatabase = "nebula"

// noServer is how long a call looks for a server that it can use before it fails, unless the URL says so.
const noServer = 5 * time.Second

// An address is what errors and the log may say about where a store is.
type address struct {
	hosts    string
	database string
}

func (a address) String() string { return "mongodb://" + a.hosts + "/" + a.database }

// CheckURL says what is wrong with a URL, as [Open] would, but asks nobody: of a mongodb+srv:// URL, most of which is
// in DNS, it says nothing.
func CheckURL(url, database string) error {
	if strings.HasPrefix(url, connstring.SchemeMongoDBSRV+"://") {
		return nil
	}
	_, _, err := parseURL(url, database, slog.New(slog.DiscardHandler))
	return err
}

// parseURL reads a connection string. What is in it about read and write concerns and the read preference is
// not heeded, since with less than what is set here changes could be lost.
func parseURL(url, database string, log *slog.Logger) (*options.ClientOptions, address, error) {
	parsed, err := connstring.Parse(url)
	if err != nil {
		return nil, address{}, urlError(url, err)
	}
	a := address{hosts: strings.Join(parsed.Hosts, ","), database: cmp.Or(database, parsed.Database, DefaultDatabase)}
	switch a.database {
	case "admin", "config", "local":
		return nil, address{}, fmt.Errorf("mongo-url: names the database %[1]q, which is MongoDB's own; if %[1]q is where the user is, write /%[2]s?authSource=%[1]s",
			a.database, DefaultDatabase)
	}
	for option, given := range map[string]bool{
		"readPreference":   parsed.ReadPreference != "" && !strings.EqualFold(parsed.ReadPreference, "primary"),
		"readConcernLevel": parsed.ReadConcernLevel != "" && parsed.ReadConcernLevel != "majority",
		"w":                parsed.WNumberSet || parsed.WString != "" && parsed.WString != "majority",
		"journal":          parsed.JSet && !parsed.J,
	} {
		if given {
			log.Warn("this option of the MongoDB URL is not heeded: it would let changes get lost", "option", option)
		}
	}
	o := options.Client().ApplyURI(url)
	if err := o.Validate(); err != nil {
		return nil, address{}, urlError(url, err)
	}
	if !parsed.ServerSelectionTimeoutSet {
		o.SetServerSelectionTimeout(noServer)
	}
	if !parsed.ConnectTimeoutSet {
		o.SetConnectTimeout(noServer)
	}
	if o.AppName == nil {
		o.SetAppName("muster")
	}
	journaled := true
	o.SetReadPreference(readpref.Primary())
	o.SetReadConcern(readconcern.Majority())
	o.SetWriteConcern(&writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journaled})
	return o, a, nil
}
