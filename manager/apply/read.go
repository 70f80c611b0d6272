package apply

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Stdin is the path that stands for the standard input.
const Stdin = "-"

// maxFile is the largest file in bytes. 10,000 apps of the usual size are a tenth of it.
const maxFile = 64 << 20

// Read reads files: YAML, of which JSON is a part. A path may be that of a folder, of which all files that end in
// .yaml, .yml or .json are read, those of folders within it too, but no hidden ones; or [Stdin]. An error names
// the file and line.
func Read(paths []string, stdin io.Reader) (Fleet, error) {
	var fleet Fleet
	for _, path := range paths {
		if path == Stdin {
			if err := fleet.read("stdin", stdin); err != nil {
				return Fleet{}, err
			}
			continue
		}
		files, err := filesBelow(path)
		if err != nil {
			return Fleet{}, err
		}
		for _, file := range files {
			if err := fleet.readFile(file); err != nil {
				return Fleet{}, err
			}
		}
	}
	if fleet.Empty() {
		return Fleet{}, fmt.Errorf("%s: has none of %s", strings.Join(paths, ", "), strings.Join(sectionNames(), ", "))
	}
	return fleet, nil
}

// filesBelow is the file itself, or those of a folder.
func filesBelow(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	var files []string
	root := path + string(filepath.Separator) // so that it is walked if it is a link
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		hidden := file != root && strings.HasPrefix(entry.Name(), ".")
		switch {
		case err != nil:
			return err
		case !hidden && entry.Type() == fs.ModeSymlink && isFolder(file):
			return fmt.Errorf("%s: is a link to a folder, which is not followed: give it as a file of its own", file)
		case hidden && entry.IsDir():
			return fs.SkipDir
		case !entry.IsDir() && !hidden && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file)):
			files = append(files, file)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: has no file that ends in .yaml, .yml or .json", path)
	}
	return files, err
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (f *Fleet) readFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	return f.read(path, file)
}

// read takes in all documents of a file.
func (f *Fleet) read(name string, r io.Reader) error {
	content, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("must not be larger than %d bytes", maxFile)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(yamlOf(content)))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && strings.Contains(err.Error(), "unknown anchor"):
			// Its name is not told: it may be a secret that begins with "*".
			return fmt.Errorf("%s: yaml: an alias has no anchor: quote text that begins with \"*\"", name)
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := f.readDocument(&source{name: name}, document.Content[0]); err != nil {
			return err
		}
	}
}

// readDocument takes in a document: a dict with a key for each kind. Keys that begin with "x-" are for anchors.
func (f *Fleet) readDocument(s *source, document *yaml.Node) error {
	if document.Tag == "!!null" {
		return nil // nothing but comments
	}
	top, err := s.dict(document)
	if err != nil {
		return err
	}
	for _, entry := range top {
		word, known := kindOfSection(entry.key)
		switch {
		case strings.HasPrefix(entry.key, "x-"):
			continue
		case !known:
			return s.errorf(entry.at, "unknown key %q, must be one of %s", entry.key, strings.Join(sectionNames(), ", "))
		}
		objects, err := s.section(entry.value)
		if err != nil {
			return err
		}
		if err := f.add(word, objects); err != nil {
			return err
		}
	}
	return nil
}
