package sdk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"mcpauth.example/internal/names"
)

func ask(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	answered := httptest.NewRecorder()
	must(NewHandler()).ServeHTTP(answered, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return answered
}

// The answers of a module proxy (go.dev/ref/mod#goproxy-protocol), and the archive for npm.
func TestPackagesAreGivenOut(t *testing.T) {
	t.Parallel()
	r, below := must(current()), "/go/"+names.GoSDK+"/@v/"
	for path, want := range map[string]struct{ kind, cache, body string }{
		"/sdk/mcpauth-" + r.version + ".tgz":        {"application/gzip", cacheForEver, string(r.npm)},
		below + "v" + r.version + ".zip":            {"application/zip", cacheForEver, string(r.zip)},
		below + "v" + r.version + ".mod":            {"text/plain; charset=utf-8", cacheForEver, string(must(os.ReadFile("go/go.mod")))},
		below + "v" + r.version + ".info":           {"application/json", cacheForEver, `{"Version":"v` + r.version + `"}`},
		below + "list":                              {"text/plain; charset=utf-8", cacheNever, "v" + r.version + "\n"},
		"/go/" + names.GoSDK + "/@latest":           {"application/json", cacheNever, `{"Version":"v` + r.version + `"}`},
		"/sdk/mcpauth-" + r.version + ".tgz.sha256": {"text/plain; charset=utf-8", cacheForEver, sumLine(r.npm, "mcpauth-"+r.version+".tgz")},
		below + "v" + r.version + ".zip.sha256":     {"text/plain; charset=utf-8", cacheForEver, sumLine(r.zip, "v"+r.version+".zip")},
	} {
		got := ask(t, http.MethodGet, path)
		if got.Code != http.StatusOK || got.Header().Get("Content-Type") != want.kind || got.Header().Get("Cache-Control") != want.cache || got.Body.String() != want.body {
			t.Errorf("%s: got %d, %s, %s, %d bytes, want %s, %s, %d bytes", path, got.Code, got.Header().Get("Content-Type"), got.Header().Get("Cache-Control"), got.Body.Len(), want.kind, want.cache, len(want.body))
		}
		head := ask(t, http.MethodHead, path)
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("ETag") == "" || head.Header().Get("ETag") != got.Header().Get("ETag") {
			t.Errorf("HEAD %s: got %d, %d bytes, ETag %q", path, head.Code, head.Body.Len(), head.Header().Get("ETag"))
		}
	}
}

func sumLine(content []byte, name string) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]) + "  " + name + "\n"
}

// Every other module and every other file is 404, which makes the go command go on to its next proxy; nothing but reading is answered.
func TestNothingElseIsGivenOut(t *testing.T) {
	t.Parallel()
	version := must(current()).version
	for _, path := range []string{
		"/go", "/go/", "/sdk", "/sdk/", "/go/github.com/google/go-cmp/@v/list", "/go/" + names.Module + "/@v/list", "/go/" + names.Module + "/sdk/@latest",
		"/go/" + names.GoSDK, "/go/" + names.GoSDK + "/@v/v9.9.9.info", "/go/" + names.GoSDK + "/@v/main.info", "/go/sumdb/sum.golang.org/supported",
		"/sdk/mcpauth-9.9.9.tgz", "/sdk/archives/go.zip", "/sdk/typescript/package.json", "/sdk/..%2fgo.mod", "/sdk/mcpauth-" + version + "%2etgz",
	} {
		if got := ask(t, http.MethodGet, path); got.Code != http.StatusNotFound || strings.Contains(got.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: got %d, %s, want 404 that nobody keeps", path, got.Code, got.Header().Get("Cache-Control"))
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if got := ask(t, method, "/sdk/mcpauth-"+version+".tgz"); got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: got %d, Allow %q, want 405 with GET, HEAD", method, got.Code, got.Header().Get("Allow"))
		}
	}
}

// The go command takes the archive, and the checksum beside it is the one that it computes.
func TestGoArchiveIsAModule(t *testing.T) {
	t.Parallel()
	r := must(current())
	file := t.TempDir() + "/module.zip"
	if err := os.WriteFile(file, r.zip, 0o600); err != nil {
		t.Fatal(err)
	}
	checked, err := modzip.CheckZip(module.Version{Path: names.GoSDK, Version: "v" + r.version}, file)
	if err != nil || checked.Err() != nil || len(checked.Valid) < 20 {
		t.Errorf("got %v, %v, %d files", err, checked.Err(), len(checked.Valid))
	}
	sum := ask(t, http.MethodGet, "/go/"+names.GoSDK+"/@v/v"+r.version+".ziphash").Body.String()
	if !strings.HasPrefix(sum, "h1:") || sum != must(goHash(r.zip))+"\n" {
		t.Errorf("checksum: got %q", sum)
	}
}

// A version that was released stays in the list, and what came after it is the latest.
func TestListHasReleases(t *testing.T) {
	t.Parallel()
	kept := tree(t)
	for name, content := range must(Release()) {
		kept["archives/"+name] = &fstest.MapFile{Data: content}
	}
	h := must(newHandler(kept, "1.99.0"))
	listed := string(h.answers[goPath+"/@v/list"].body)
	var latest struct{ Version string }
	if err := json.Unmarshal(h.answers[goPath+"/@latest"].body, &latest); err != nil {
		t.Fatal(err)
	}
	if want := "v" + names.Version + "\n" + latest.Version + "\n"; listed != want || !strings.HasPrefix(latest.Version, "v1.99.0-dev.c") {
		t.Errorf("got list %q with latest %s", listed, latest.Version)
	}
	if _, ok := h.answers["/sdk/mcpauth-"+names.Version+".tgz"]; !ok {
		t.Errorf("the release is gone: got %v", sorted(h.answers))
	}
}
