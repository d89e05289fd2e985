package sdk

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/modfile"

	"mcpauth.example/internal/names"
)

// What is given out for Go is what lies in sdk/go, byte for byte.
func TestGoArchiveIsTheTree(t *testing.T) {
	t.Parallel()
	tree := map[string]string{}
	err := filepath.WalkDir("go", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		tree[strings.TrimPrefix(filepath.ToSlash(path), "go/")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := must(current())
	given := zipFiles(t, r.zip, names.GoSDK+"@v"+r.version+"/")
	for name := range merged(tree, given) {
		if tree[name] != given[name] {
			t.Errorf("%s: got %d bytes in the module, want the %d of sdk/go; go generate ./sdk, and commit", name, len(given[name]), len(tree[name]))
		}
	}
	if module := modfile.ModulePath(r.goMod); module != names.GoSDK {
		t.Errorf("module of go.mod: got %q, want %q", module, names.GoSDK)
	}
}

// What is given out for npm is dist, as it lies in the tree, with a package.json that runs nothing and names nothing that is not needed.
func TestNPMArchive(t *testing.T) {
	t.Parallel()
	r := must(current())
	given := tarFiles(t, r.npm)
	dist := must(fs.Glob(os.DirFS("typescript"), "dist/*"))
	if len(dist) < 10 || len(given) != len(dist)+3 {
		t.Errorf("got %d files, want the %d of dist, LICENSE, README.md and package.json", len(given), len(dist))
	}
	for _, name := range append(dist, "LICENSE", "README.md") {
		if want := string(must(os.ReadFile("typescript/" + name))); given["package/"+name] != want {
			t.Errorf("%s: got %d bytes, want the %d of the tree", name, len(given["package/"+name]), len(want))
		}
	}
	var manifest map[string]any
	if err := json.Unmarshal([]byte(given["package/package.json"]), &manifest); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"scripts", "devDependencies", "dependencies", "bin", "files"} {
		if manifest[field] != nil {
			t.Errorf("package.json has %s: got %v, want none", field, manifest[field])
		}
	}
	if manifest["name"] != names.NPM || manifest["version"] != r.version {
		t.Errorf("got %v %v, want %s %s", manifest["name"], manifest["version"], names.NPM, r.version)
	}
	if exports := given["package/package.json"]; strings.Index(exports, `"import"`) > strings.Index(exports, `"require"`) {
		t.Error("the order of the conditions in exports is lost: the first that fits is taken")
	}
}

// Packing again gives the same bytes; any change of content gives another version, so that nothing that was kept can be stale.
func TestVersionFollowsContent(t *testing.T) {
	t.Parallel()
	first, again := must(pack(tree(t), "1.2.3")), must(pack(tree(t), "1.2.3"))
	if !bytes.Equal(first.npm, again.npm) || !bytes.Equal(first.zip, again.zip) {
		t.Error("packing twice: got different bytes")
	}
	if !strings.HasPrefix(first.version, "1.2.3-dev.c") {
		t.Errorf("version of what was not released: got %s, want 1.2.3-dev.c…", first.version)
	}
	for _, name := range []string{"archives/go.zip", "typescript/dist/index.js", "typescript/package.json"} {
		changed := tree(t)
		content := bytes.Replace(changed[name].Data, []byte("mcp"), []byte("mcq"), 1)
		changed[name] = &fstest.MapFile{Data: content}
		switch r, err := pack(changed, "1.2.3"); {
		case name == "archives/go.zip" && err != nil: // its own checksum
		case err != nil:
			t.Errorf("%s changed: %v", name, err)
		case r.version == first.version:
			t.Errorf("%s changed: got the same version %s", name, r.version)
		}
	}
}

// A release is given out as it was, for ever, beside what came after it.
func TestReleasesStay(t *testing.T) {
	t.Parallel()
	kept := tree(t)
	for name, content := range must(Release()) {
		kept["archives/"+name] = &fstest.MapFile{Data: content}
	}
	now := must(pack(kept, names.Version))
	if now.version != names.Version {
		t.Errorf("version of a release: got %s, want %s", now.version, names.Version)
	}
	kept["typescript/dist/index.js"] = &fstest.MapFile{Data: []byte("changed")}
	all := must(releases(kept, "1.99.0"))
	if len(all) != 2 || all[0].version != names.Version || !bytes.Equal(all[0].npm, now.npm) || !bytes.Equal(all[0].zip, now.zip) {
		t.Errorf("after the next version: got %d releases, want the one that was kept, unchanged, and the new one", len(all))
	}
	delete(kept, "archives/"+zipFile(names.Version))
	if _, err := releases(kept, "1.99.0"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a release: got %v, want an error", err)
	}
}

// What was released does not change under its version: once the archives of a version are kept, the tree that says it is that version
// holds the same.
func TestReleasedVersionIsTheTree(t *testing.T) {
	t.Parallel()
	for name, tree := range must(Release()) {
		kept, err := files.ReadFile("archives/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // this version is not released yet
		}
		read := func(b []byte) map[string]string {
			if strings.HasSuffix(name, ".zip") {
				return zipFiles(t, b, "")
			}
			return tarFiles(t, b)
		}
		if err != nil || !maps.Equal(read(kept), read(tree)) {
			t.Errorf("%s: the SDK has changed since it was released; raise the version in internal/names (%v)", name, err)
		}
	}
}

// tree is a copy of what the binary holds, without what was released.
func tree(t *testing.T) fstest.MapFS {
	t.Helper()
	copied := fstest.MapFS{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(name, "archives/"+names.Product) {
			return err
		}
		content, err := files.ReadFile(name)
		copied[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

func zipFiles(t *testing.T, archive []byte, prefix string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range must(zip.NewReader(bytes.NewReader(archive), int64(len(archive)))).File {
		name, ok := strings.CutPrefix(file.Name, prefix)
		if !ok {
			t.Errorf("%s does not lie below %s", file.Name, prefix)
		}
		found[name] = string(must(io.ReadAll(must(file.Open()))))
	}
	return found
}

func tarFiles(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	found := map[string]string{}
	reader := tar.NewReader(must(gzip.NewReader(bytes.NewReader(packed))))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Mode != 0o644 || !header.ModTime.Equal(npmTime) || header.Uid != 0 {
			t.Errorf("%s: mode %o, time %v, owner %d", header.Name, header.Mode, header.ModTime, header.Uid)
		}
		found[header.Name] = string(must(io.ReadAll(reader)))
	}
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func sorted(m map[string]answer) []string { return slices.Sorted(maps.Keys(m)) }
