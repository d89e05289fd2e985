// Command pack writes what the packages are made of into sdk/archives:
//
//	go run ./sdk/pack            go.zip, the files of sdk/go; go generate ./sdk runs it
//	go run ./sdk/pack -release   the packages of this version, which are given out for ever from then on
//
// It runs in the root of the repository or in sdk. It must import nothing of the project but sdk.
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mcpauth.example/sdk"
)

func main() {
	release := flag.Bool("release", false, "keep the packages of this version for ever")
	flag.Parse()
	if err := run(*release); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(release bool) error {
	folder := "."
	if _, err := os.Stat("go.mod"); err == nil {
		folder = "sdk"
	}
	archives := filepath.Join(folder, "archives")
	if release {
		return keep(archives)
	}
	packed, err := zipped(os.DirFS(filepath.Join(folder, "go")))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(archives, "go.zip"), packed, 0o644)
}

// zipped stores the files as they are, in the order of their names and without their times: the same files make the same bytes, and a
// change of a line is a small change of the archive.
func zipped(from fs.FS) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		file, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = file.Write(content)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = archive.Close()
	return out.Bytes(), err
}

// keep writes the packages of the version that internal/names says, under it. Those that were released before stay as they are.
func keep(archives string) error {
	kept, err := sdk.Release()
	if err != nil {
		return err
	}
	for name, content := range kept {
		path := filepath.Join(archives, name)
		released, err := os.ReadFile(path) //nolint:gosec // a name of ours
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err := os.WriteFile(path, content, 0o644); err != nil {
				return err
			}
		case err != nil:
			return err
		case !bytes.Equal(released, content):
			return fmt.Errorf("%s was released, and the SDK is another one by now: raise the version in internal/names", path)
		}
	}
	return nil
}
