package sdk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"mcpauth.example/internal/names"
)

// Where the packages are on the root host.
const (
	npmPrefix = "/sdk"
	goPrefix  = "/go"
)

// How long others may keep an answer. A version never changes; which versions there are does.
const (
	cacheForEver = "public, max-age=31536000, immutable"
	cacheNever   = "no-cache"
)

// answer is one file that is given out.
type answer struct {
	body              []byte
	kind, cache, eTag string
}

// Handler gives out the packages below /sdk and /go.
type Handler struct{ answers map[string]answer }

// NewHandler packs what the binary holds.
func NewHandler() (*Handler, error) { return newHandler(files, names.Version) }

func newHandler(from fs.FS, version string) (*Handler, error) {
	all, err := releases(from, version)
	if err != nil {
		return nil, err
	}
	h := &Handler{answers: map[string]answer{}}
	var list strings.Builder
	for _, r := range all {
		list.WriteString("v" + r.version + "\n")
		if err := h.add(r); err != nil {
			return nil, err
		}
	}
	h.put(goPath+"/@v/list", "text/plain; charset=utf-8", cacheNever, []byte(list.String()))
	h.put(goPath+"/@latest", "application/json", cacheNever, goInfo(all[len(all)-1].version))
	return h, nil
}

// goPath is where the module's files are; its path has no capital letter that the protocol would escape.
const goPath = goPrefix + "/" + names.GoSDK

func goInfo(version string) []byte {
	encoded, err := json.Marshal(struct{ Version string }{"v" + version})
	if err != nil {
		panic(err) // a string always encodes
	}
	return encoded
}

// add gives out the packages of a version, and checksums beside them.
func (h *Handler) add(r *release) error {
	sum, err := goHash(r.zip)
	if err != nil {
		return fmt.Errorf("sdk: %s: %w", r.version, err)
	}
	at := goPath + "/@v/v" + r.version
	h.archive(npmPath(r.version), "application/gzip", r.npm)
	h.archive(at+".zip", "application/zip", r.zip)
	h.put(at+".mod", "text/plain; charset=utf-8", cacheForEver, r.goMod)
	h.put(at+".info", "application/json", cacheForEver, goInfo(r.version))
	h.put(at+".ziphash", "text/plain; charset=utf-8", cacheForEver, []byte(sum+"\n"))
	return nil
}

// archive gives out a file and its checksum in the form that sha256sum -c reads.
func (h *Handler) archive(path, kind string, body []byte) {
	sum := sha256.Sum256(body)
	h.put(path, kind, cacheForEver, body)
	line := hex.EncodeToString(sum[:]) + "  " + path[strings.LastIndexByte(path, '/')+1:] + "\n"
	h.put(path+".sha256", "text/plain; charset=utf-8", cacheForEver, []byte(line))
}

func (h *Handler) put(path, kind, cache string, body []byte) {
	sum := sha256.Sum256(body)
	h.answers[path] = answer{body: body, kind: kind, cache: cache, eTag: `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// Serves tells whether a path is for this handler, whatever it answers.
func (h *Handler) Serves(path string) bool {
	for _, prefix := range []string{npmPrefix, goPrefix} {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return false
}

// ServeHTTP answers 404 for every other module, which is what makes the go command ask the next proxy of its list.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	found, ok := h.answers[r.URL.Path]
	if !ok || r.URL.RawPath != "" {
		w.Header().Set("Cache-Control", cacheNever)
		http.Error(w, "not found: only this installation's own packages are here", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", found.kind)
	w.Header().Set("Cache-Control", found.cache)
	w.Header().Set("ETag", found.eTag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(found.body))
}
