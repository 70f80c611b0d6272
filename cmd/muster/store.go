package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"muster/manager/store"
	"muster/manager/store/mongo"
	"muster/manager/store/sqlite"
)

// storeFlags say where the store is kept.
type storeFlags struct {
	mongoURL      string
	mongoURLFile  string
	mongoDatabase string
}

func (f *storeFlags) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.mongoURL, "mongo-url", "", "keep the store in this MongoDB, mongodb://[USER:PASSWORD@]HOST[:PORT][/DATABASE], instead of in the data directory; a Nebula's database is taken over as it is")
	flags.StringVar(&f.mongoURLFile, "mongo-url-file", "", "file that holds the URL, so that a password in it does not show up in the list of processes")
	flags.StringVar(&f.mongoDatabase, "mongo-database", "", "name of the database, instead of the one in the URL, by default "+mongo.DefaultDatabase)
}

func (f *storeFlags) check() error {
	switch {
	case f.mongoURL != "" && f.mongoURLFile != "":
		return errors.New("mongo-url and mongo-url-file: must not both be given")
	case f.mongoDatabase != "" && f.mongoURL+f.mongoURLFile == "":
		return errors.New("mongo-database: is of no use without mongo-url or mongo-url-file")
	}
	return nil
}

// open opens the store: in MongoDB when there is a URL, else in a file in the data directory.
func (f *storeFlags) open(ctx context.Context, dir *dataDir, log *slog.Logger) (store.Store, error) {
	url := f.mongoURL
	if f.mongoURLFile != "" {
		content, err := os.ReadFile(f.mongoURLFile)
		if err != nil {
			return nil, fmt.Errorf("mongo-url-file: %w", err)
		}
		if url = strings.TrimSpace(string(content)); url == "" {
			return nil, fmt.Errorf("mongo-url-file: %s is empty", f.mongoURLFile)
		}
	}
	if url == "" {
		return sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir.path, "muster.db"), Log: log})
	}
	return mongo.Open(ctx, mongo.Options{URL: url, Database: f.mongoDatabase, Log: log})
}
