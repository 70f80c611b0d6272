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
	url, err := f.url()
	if err != nil || url == "" {
		return err
	}
	return mongo.CheckURL(url, f.mongoDatabase)
}

// url is the MongoDB's; empty when the store is in the data directory.
func (f *storeFlags) url() (string, error) {
	if f.mongoURLFile == "" {
		return f.mongoURL, nil
	}
	content, err := os.ReadFile(f.mongoURLFile)
	if err != nil {
		return "", fmt.Errorf("mongo-url-file: %w", err)
	}
	url := strings.TrimSpace(string(content))
	if url == "" {
		return "", fmt.Errorf("mongo-url-file: %s is empty", f.mongoURLFile)
	}
	return url, nil
}

// open opens the store: in MongoDB when there is a URL, else in a file in the data directory.
func (f *storeFlags) open(ctx context.Context, dir *dataDir, log *slog.Logger) (store.Store, error) {
	url, err := f.url()
	if err != nil {
		return nil, err
	}
	if url == "" {
		return sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir.path, "muster.db"), Log: log})
	}
	return mongo.Open(ctx, mongo.Options{URL: url, Database: f.mongoDatabase, Log: log})
}
