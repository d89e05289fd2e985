package sdk

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"time"
)

// npmTime is what npm gives every file of a package, so that packing again gives the same bytes.
var npmTime = time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC)

// manifest is what of package.json is given out: no scripts, which would run on the machines of those who install, and nothing that is
// needed to build. Fields are written in this order; a field that is not named here is an error.
type manifest struct {
	Name                 string          `json:"name"`
	Version              string          `json:"version"`
	Description          string          `json:"description"`
	Keywords             []string        `json:"keywords,omitempty"`
	Engines              json.RawMessage `json:"engines,omitempty"`
	Main                 string          `json:"main"`
	Types                string          `json:"types"`
	Exports              json.RawMessage `json:"exports"`
	SideEffects          bool            `json:"sideEffects"`
	PeerDependencies     json.RawMessage `json:"peerDependencies,omitempty"`
	PeerDependenciesMeta json.RawMessage `json:"peerDependenciesMeta,omitempty"`

	Files           json.RawMessage `json:"files,omitempty"`
	Scripts         json.RawMessage `json:"scripts,omitempty"`
	DevDependencies json.RawMessage `json:"devDependencies,omitempty"`
}

func npmManifest(source []byte, version string) ([]byte, error) {
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(source))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, err
	}
	m.Version, m.Files, m.Scripts, m.DevDependencies = version, nil, nil, nil
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(m)
	return out.Bytes(), err
}

// packNPM makes the archive that npm installs, as npm pack does.
func packNPM(from fs.FS, version string) ([]byte, error) {
	source, err := fs.ReadFile(from, "typescript/package.json")
	if err != nil {
		return nil, err
	}
	described, err := npmManifest(source, version)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(from, "typescript/dist/*")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	packed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(packed)
	if err := addFile(archive, "package/package.json", described); err != nil {
		return nil, err
	}
	for _, name := range append(names, "typescript/LICENSE", "typescript/README.md") {
		content, err := fs.ReadFile(from, name)
		if err == nil {
			err = addFile(archive, "package"+name[len("typescript"):], content)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	err = packed.Close()
	return out.Bytes(), err
}

func addFile(to *tar.Writer, name string, content []byte) error {
	err := to.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o644, ModTime: npmTime, Format: tar.FormatUSTAR})
	if err != nil {
		return err
	}
	_, err = to.Write(content)
	return err
}
