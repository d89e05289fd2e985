// Package sdk gives out the SDKs of the installation itself: the npm package as an archive, the Go module as a module proxy
// (go.dev/ref/mod#goproxy-protocol). Nothing has to be published, and nobody else's package can take the place of ours.
//
// It owns what is given out and under which version. Of the project it must import internal/names only.
package sdk

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"mcpauth.example/internal/names"
)

// A folder with a go.mod of its own cannot be embedded: archives/go.zip holds sdk/go. A test compares the two.
//
//go:generate go run ./pack
//go:embed archives typescript/dist typescript/package.json typescript/README.md typescript/LICENSE
var files embed.FS

// current is what the tree holds, packed once.
var current = sync.OnceValues(func() (*release, error) { return pack(files, names.Version) })

// release is both packages under one version, without a v before it.
type release struct {
	version  string
	npm, zip []byte
	goMod    []byte
}

// Version is the one that both packages are given out as. It names its content: what changed since the last release has the hash of the
// content in its version, so that no cache and no lock file ever holds other bytes under the same version.
func Version() string {
	r, err := current()
	if err != nil {
		panic(err) // the binary was built from files that the tests refuse
	}
	return r.version
}

// InstallNPM is the command that installs the npm package from an installation.
func InstallNPM(baseURL string) string { return "npm install " + baseURL + npmPath(Version()) }

// InstallGo is the command that adds the Go module from an installation. What the installation does not have, which is everything else, comes
// from where it always comes from. GOPRIVATE would not do: it keeps the module away from every proxy.
func InstallGo(baseURL string) string {
	return "GOPROXY=" + baseURL + goPrefix + ",$(go env GOPROXY) GONOSUMDB=" + names.GoSDK + " go get " + names.GoSDK + "@v" + Version()
}

func npmPath(version string) string { return npmPrefix + "/" + npmFile(version) }

func npmFile(version string) string { return names.Product + "-" + version + ".tgz" }

func zipFile(version string) string { return names.Product + "-go-" + version + ".zip" }

// pack makes both packages from the files. A version that was released is given out as it was.
func pack(from fs.FS, version string) (*release, error) {
	if _, err := fs.Stat(from, "archives/"+npmFile(version)); err == nil {
		return released(from, version)
	}
	source, err := fs.ReadFile(from, "archives/go.zip")
	if err != nil {
		return nil, fmt.Errorf("sdk: %w (go generate ./sdk makes it)", err)
	}
	plain, err := packNPM(from, version)
	if err != nil {
		return nil, fmt.Errorf("sdk: pack for npm: %w", err)
	}
	hash := sha256.New()
	hash.Write(plain)
	hash.Write(source)
	version = unreleased(version, hex.EncodeToString(hash.Sum(nil)))
	r := &release{version: version}
	if r.npm, err = packNPM(from, version); err != nil {
		return nil, fmt.Errorf("sdk: pack for npm: %w", err)
	}
	if r.zip, r.goMod, err = packGo(source, version); err != nil {
		return nil, fmt.Errorf("sdk: pack for Go: %w", err)
	}
	return r, nil
}

// unreleased is the version of what is on its way to a release. The letter keeps a hash of digits from being a number.
func unreleased(version, hash string) string {
	if !strings.Contains(version, "-") {
		version += "-dev"
	}
	return version + ".c" + hash[:10]
}

// released reads what a release was given out as.
func released(from fs.FS, version string) (*release, error) {
	npm, err := fs.ReadFile(from, "archives/"+npmFile(version))
	if err != nil {
		return nil, fmt.Errorf("sdk: %w", err)
	}
	archive, err := fs.ReadFile(from, "archives/"+zipFile(version))
	if err != nil {
		return nil, fmt.Errorf("sdk: %w", err)
	}
	mod, err := goModOf(archive, version)
	if err != nil {
		return nil, fmt.Errorf("sdk: %s: %w", zipFile(version), err)
	}
	return &release{version: version, npm: npm, zip: archive, goMod: mod}, nil
}

// releases are those that were given out, and last what the tree holds.
func releases(from fs.FS, version string) ([]*release, error) {
	kept, err := fs.Glob(from, "archives/"+npmFile("*"))
	if err != nil {
		return nil, err
	}
	var all []*release
	for _, name := range kept {
		old := strings.TrimSuffix(strings.TrimPrefix(name, "archives/"+names.Product+"-"), ".tgz")
		if old == version {
			continue
		}
		r, err := released(from, old)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	r, err := pack(from, version)
	if err != nil {
		return nil, err
	}
	return append(all, r), nil
}

// Release is what a release keeps in archives: both packages under the plain version, by the names of their files.
func Release() (map[string][]byte, error) {
	source, err := fs.ReadFile(files, "archives/go.zip")
	if err != nil {
		return nil, err
	}
	npm, err := packNPM(files, names.Version)
	if err != nil {
		return nil, err
	}
	archive, _, err := packGo(source, names.Version)
	return map[string][]byte{npmFile(names.Version): npm, zipFile(names.Version): archive}, err
}
