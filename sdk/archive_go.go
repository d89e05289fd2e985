package sdk

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"mcpauth.example/internal/names"
)

// zipped is a file of archives/go.zip, for x/mod/zip.
type zipped struct{ file *zip.File }

func (z zipped) Path() string                 { return z.file.Name }
func (z zipped) Lstat() (fs.FileInfo, error)  { return z.file.FileInfo(), nil }
func (z zipped) Open() (io.ReadCloser, error) { return z.file.Open() }

// packGo makes the module's archive and its go.mod from the archive of sdk/go.
func packGo(source []byte, version string) (archive, goMod []byte, err error) {
	reader, err := zip.NewReader(bytes.NewReader(source), int64(len(source)))
	if err != nil {
		return nil, nil, err
	}
	var content []modzip.File
	for _, file := range reader.File {
		content = append(content, zipped{file})
	}
	var out bytes.Buffer
	if err := modzip.Create(&out, module.Version{Path: names.GoSDK, Version: "v" + version}, content); err != nil {
		return nil, nil, err
	}
	goMod, err = goModOf(out.Bytes(), version)
	return out.Bytes(), goMod, err
}

// goModOf is the go.mod in a module's archive.
func goModOf(archive []byte, version string) ([]byte, error) {
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(reader, names.GoSDK+"@v"+version+"/go.mod")
}

// goHash is what go.sum says of a module's archive.
func goHash(archive []byte) (string, error) {
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return "", err
	}
	var all []string
	content := map[string]*zip.File{}
	for _, file := range reader.File {
		if !strings.HasSuffix(file.Name, "/") {
			all = append(all, file.Name)
			content[file.Name] = file
		}
	}
	return dirhash.Hash1(all, func(name string) (io.ReadCloser, error) { return content[name].Open() })
}
