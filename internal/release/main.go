// Command release makes what a version is given out as, into a folder:
//
//		go run ./internal/release -out dist -sbom bin/cyclonedx-gomod
//
//	  - mcpauth_<version>_<system>_<architecture>.tar.gz for linux and darwin, amd64 and arm64: the program and the documents beside it
//	  - mcpauth_<version>_<system>_<architecture>.cdx.json: what the program is made of (a software bill of materials, CycloneDX 1.6)
//	  - SHA256SUMS: the sums of all of them, as sha256sum -c reads them
//
// The same sources and the same Go make the same archives, byte by byte. The packages of the SDKs are not among them: the program gives
// them out itself. It must import nothing of the project but internal/names.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/names"
)

// platform is what a program is built for.
type platform struct{ system, architecture string }

var platforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}

// beside are the documents in every archive.
var beside = []string{"LICENSE", "README.md", "CHANGELOG.md"}

// sums is the file of the checksums.
const sums = "SHA256SUMS"

// fileTime is that of every file in an archive: the time of building would make every archive another one.
var fileTime = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

func main() {
	out := flag.String("out", "dist", "the folder that is made; it must not hold a release")
	sbom := flag.String("sbom", "", "the program cyclonedx-gomod, which lists what a program is made of")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := (release{root: ".", out: *out, sbom: *sbom, version: names.Version}).make(ctx, platforms); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

// release is one version on its way into a folder.
type release struct{ root, out, sbom, version string }

func (r release) make(ctx context.Context, platforms []platform) error {
	if r.sbom == "" {
		return errors.New("-sbom is missing: expected the path of cyclonedx-gomod")
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(r.out, sums)); err == nil {
		return fmt.Errorf("%s holds a release: move it away first", r.out)
	}
	var made []string
	for _, p := range platforms {
		files, err := r.build(ctx, p)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", p.system, p.architecture, err)
		}
		made = append(made, files...)
	}
	return r.sum(made)
}

// build makes the archive and the list of what is in the program, and returns their names.
func (r release) build(ctx context.Context, p platform) ([]string, error) {
	folder, err := os.MkdirTemp("", "mcpauth-release-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	program := filepath.Join(folder, names.Product)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s", "-buildvcs=false", "-o", program, "./cmd/mcpauth")
	build.Dir, build.Stderr = r.root, os.Stderr
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.system, "GOARCH="+p.architecture, "GOFLAGS=")
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	name := strings.Join([]string{names.Product, r.version, p.system, p.architecture}, "_")
	packed, err := r.pack(name, program)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(r.out, name+".tar.gz"), packed, 0o644); err != nil {
		return nil, err
	}
	list := exec.CommandContext(ctx, r.sbom, "bin", "-json", "-noserial", "-output", filepath.Join(r.out, name+".cdx.json"), "-version", "v"+r.version, program)
	if said, err := list.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", r.sbom, err, said)
	}
	return []string{name + ".tar.gz", name + ".cdx.json"}, nil
}

// pack makes an archive with one folder, which holds the program and the documents.
func (r release) pack(name, program string) ([]byte, error) {
	var out bytes.Buffer
	packed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(packed)
	add := func(path, as string, mode int64) error {
		content, err := os.ReadFile(path) //nolint:gosec // a path of ours
		if err != nil {
			return err
		}
		header := tar.Header{Name: name + "/" + as, Mode: mode, Size: int64(len(content)), ModTime: fileTime, Format: tar.FormatPAX}
		if err := archive.WriteHeader(&header); err != nil {
			return err
		}
		_, err = archive.Write(content)
		return err
	}
	err = add(program, names.Product, 0o755)
	for _, document := range beside {
		err = errors.Join(err, add(filepath.Join(r.root, document), document, 0o644))
	}
	err = errors.Join(err, archive.Close(), packed.Close())
	return out.Bytes(), err
}

// sum writes the checksums, in the order of the names.
func (r release) sum(made []string) error {
	slices.Sort(made)
	var lines strings.Builder
	for _, name := range made {
		content, err := os.ReadFile(filepath.Join(r.out, name)) //nolint:gosec // a name of ours
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(&lines, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	}
	return os.WriteFile(filepath.Join(r.out, sums), []byte(lines.String()), 0o644)
}
