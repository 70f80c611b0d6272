package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"muster/worker/durable"
)

// readRecord reads a file of JSON in the state directory into what holds its value. Without the file, that stays as it is.
func readRecord(dir, file string, into any) error {
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// writeRecord makes the value what the next start of the worker reads.
func writeRecord(dir, file string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", file, err)
	}
	return durable.WriteFile(filepath.Join(dir, file), data)
}
