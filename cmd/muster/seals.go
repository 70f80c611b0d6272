package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
	"muster/manager/authority"
)

// sealFlags say by what the keys of the fleet's certificate authorities are encrypted in the store.
type sealFlags struct{ files []string }

func (f *sealFlags) declare(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.files, "ca-key-file", nil, "file with at least 32 random bytes that encrypt the keys of the fleet's certificate authorities in the store; of several, comma separated, the first one encrypts and each decrypts")
}

func (f *sealFlags) open() ([]*authority.Seal, error) {
	var seals []*authority.Seal
	for _, path := range f.files {
		secret, err := settings.SecretFile("ca-key-file", path)
		if err != nil {
			return nil, err
		}
		seal, err := authority.NewSeal(secret)
		if err != nil {
			return nil, fmt.Errorf("ca-key-file: %s %w", path, err)
		}
		seals = append(seals, seal)
	}
	return seals, nil
}
