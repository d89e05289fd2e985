// Package static embeds the stylesheets, fonts, scripts and pictures of the pages and serves them under names that carry a hash
// of their content.
//
// It owns the mapping from a file's name to its address; it must not import anything of the project.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
)

// Prefix is the path below which the files are served.
const Prefix = "/static/"

//go:embed *.css *.js *.svg *.woff2
var files embed.FS

// contentTypes lists every kind of file that is served; a file of another kind is a mistake of ours.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
}

// file is one embedded file as it is served.
type file struct {
	hashed      string
	contentType string
	content     []byte
	zipped      []byte // the same in gzip; nil where that is not smaller
}

// set holds the files by their own name and by their hashed name.
type set struct {
	byName   map[string]file
	byHashed map[string]file
}

var loaded = sync.OnceValue(load)

// Asset returns the address of an embedded file, such as "/static/flow.0123456789ab.css" for "flow.css". It panics for a name
// that is not embedded, which only a mistake in a template can cause.
func Asset(name string) string {
	f, ok := loaded().byName[name]
	if !ok {
		panic(fmt.Sprintf("static: %q is not embedded", name))
	}
	return Prefix + f.hashed
}

// Content is an embedded file as it is, for a page that serves a variant of it.
func Content(name string) ([]byte, error) { return files.ReadFile(name) }

// Handler serves the embedded files below Prefix, to be cached for good: an address with another hash is 404, never another version.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			header.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name, below := strings.CutPrefix(r.URL.Path, Prefix)
		f, ok := loaded().byHashed[name]
		if !below || !ok {
			header.Set("Cache-Control", "no-store")
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		header.Set("Content-Type", f.contentType)
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
		content := f.content
		if f.zipped != nil {
			header.Set("Vary", "Accept-Encoding")
			if acceptsGzip(r.Header.Get("Accept-Encoding")) {
				header.Set("Content-Encoding", "gzip")
				content = f.zipped
			}
		}
		header.Set("Content-Length", fmt.Sprint(len(content)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(content) // the client has gone: nobody is left to tell
		}
	})
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3) as browsers send it; a weight of zero refuses.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(coding) == "gzip" {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

// zip is the content in gzip, or nil when that saves nothing.
func zip(content []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(content)
	}
	if err != nil || w.Close() != nil || out.Len() >= len(content) {
		return nil
	}
	return out.Bytes()
}

// load hashes the files; stylesheets come last, since they name fonts whose hashed names are part of their own content.
func load() set {
	names, err := fs.Glob(files, "*")
	if err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	s := set{byName: map[string]file{}, byHashed: map[string]file{}}
	for _, styles := range []bool{false, true} {
		for _, name := range names {
			if (path.Ext(name) == ".css") == styles {
				s.add(name)
			}
		}
	}
	return s
}

func (s set) add(name string) {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	ext := path.Ext(name)
	contentType, ok := contentTypes[ext]
	if !ok {
		panic(fmt.Sprintf("static: no content type for %q", name))
	}
	if ext == ".css" {
		content = s.linkFonts(content)
	}
	sum := sha256.Sum256(content)
	f := file{
		hashed:      strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
		contentType: contentType,
		content:     content,
	}
	if ext != ".woff2" { // compressed already
		f.zipped = zip(content)
	}
	s.byName[name], s.byHashed[f.hashed] = f, f
}

var cssURL = regexp.MustCompile(`url\(["']?(?:\./)?([a-z0-9-]+\.[a-z0-9]+)["']?\)`)

// linkFonts puts the hashed names into the url(...) of a stylesheet.
func (s set) linkFonts(css []byte) []byte {
	return cssURL.ReplaceAllFunc(css, func(match []byte) []byte {
		name := string(cssURL.FindSubmatch(match)[1])
		f, ok := s.byName[name]
		if !ok {
			panic(fmt.Sprintf("static: a stylesheet names %q, which is not embedded", name))
		}
		return []byte("url(" + f.hashed + ")")
	})
}
