package admin

import (
	"iter"

	"github.com/spf13/pflag"
)

// declareLimit adds the flag of commands whose list may be long.
func declareLimit(flags *pflag.FlagSet, limit *uint) {
	flags.UintVar(limit, "limit", 100, "how many to show at most; 0 is all")
}

// first collects at most limit entries; 0 is all.
func first[T any](limit uint, entries iter.Seq2[T, error]) ([]T, error) {
	all := []T{}
	for entry, err := range entries {
		if err != nil {
			return nil, err
		}
		if all = append(all, entry); uint(len(all)) == limit {
			break
		}
	}
	return all, nil
}
