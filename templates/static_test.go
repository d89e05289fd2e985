package templates_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "mcpauth.example/templates"
)

func TestStaticHandlerServes(t *testing.T) {
	t.Parallel()
	for name, contentType := range map[string]string{
		"flow.css": "text/css; charset=utf-8", "app.css": "text/css; charset=utf-8", "copy-button.js": "text/javascript; charset=utf-8",
		"favicon.svg": "image/svg+xml", "inter.woff2": "font/woff2", "jetbrains-mono.woff2": "font/woff2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := httptest.NewRecorder()
			StaticHandler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, Asset(name), nil))
			sum := sha256.Sum256(recorder.Body.Bytes())
			ext := path.Ext(name)
			if want := "/static/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext; Asset(name) != want {
				t.Errorf("Asset = %q, want the hash of what is served: %q", Asset(name), want)
			}
			for header, want := range map[string]string{
				"Content-Type": contentType, "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
			} {
				if got := recorder.Header().Get(header); got != want {
					t.Errorf("%s = %q, want %q", header, got, want)
				}
			}
			head := httptest.NewRecorder()
			StaticHandler().ServeHTTP(head, httptest.NewRequest(http.MethodHead, Asset(name), nil))
			if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != recorder.Header().Get("Content-Length") {
				t.Errorf("HEAD: %d, %d bytes, Content-Length %s", head.Code, head.Body.Len(), head.Header().Get("Content-Length"))
			}
		})
	}
}

func TestStaticHandlerRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"/static/", "/static/flow.css", "/static/flow.000000000000.css", "/static/static.go", "/static/inter.LICENSE.txt", "/static/../static.go",
		"/static/%2e%2e/views.go", "/other" + Asset("flow.css"), strings.TrimPrefix(Asset("flow.css"), "/static"),
	} {
		recorder := httptest.NewRecorder()
		StaticHandler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, address, nil))
		if recorder.Code != 404 || recorder.Header().Get("Cache-Control") != "no-store" || recorder.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: %d %v, want 404 that nobody keeps", address, recorder.Code, recorder.Header())
		}
	}
	recorder := httptest.NewRecorder()
	StaticHandler().ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, Asset("flow.css"), nil))
	if recorder.Code != 405 || recorder.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", recorder.Code, recorder.Header().Get("Allow"))
	}
}

func TestAssetUnknown(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("Asset of an unknown file did not panic")
		}
	}()
	Asset("missing.css")
}

// Every url(...) of a stylesheet is a file of ours under its hashed name, or data: there is nothing to fetch from elsewhere.
func TestStylesheetURLs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"flow.css", "app.css"} {
		css := fetch(t, Asset(name))
		for _, match := range regexp.MustCompile(`url\(([^)]*)\)`).FindAllStringSubmatch(css, -1) {
			fetch(t, "/static/"+match[1])
		}
		if strings.Contains(css, "@import") || strings.Contains(css, "expression(") {
			t.Errorf("%s imports something", name)
		}
	}
	if size := len(fetch(t, Asset("flow.css"))); size > 8*1024 {
		t.Errorf("flow.css has %d bytes, the budget is 8 KB", size)
	}
}

// TestStylesheetIsFresh compares what app.css says it was built from (styles/stamp.js) with what is here, without Node.
func TestStylesheetIsFresh(t *testing.T) {
	t.Parallel()
	inputs := []string{"package-lock.json", "styles/app.css"}
	for _, pattern := range []string{"*.templ", "ui/*.templ", "ui/ui.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			if !strings.HasPrefix(file, "flow_") && !strings.HasPrefix(file, "mail_") {
				inputs = append(inputs, filepath.ToSlash(file))
			}
		}
	}
	slices.Sort(inputs)
	hash := sha256.New()
	for _, file := range inputs {
		content := read(t, file)
		hash.Write([]byte(file + " " + strconv.Itoa(len(content)) + "\n" + content))
	}
	want := "/* inputs sha256:" + hex.EncodeToString(hash.Sum(nil)) + " */"
	if got, _, _ := strings.Cut(read(t, "static/app.css"), "\n"); got != want {
		t.Errorf("static/app.css is stale: run npm ci && npm run build in templates/\n got %s\nwant %s", got, want)
	}
}

// The lock file must work with every registry and on every platform: npm ci refuses one that leaves out an optional package.
func TestLockFile(t *testing.T) {
	t.Parallel()
	content := read(t, "package-lock.json")
	if strings.Contains(content, `"resolved"`) {
		t.Error("package-lock.json names the registry it was made with")
	}
	var lock struct {
		Packages map[string]struct {
			OptionalDependencies map[string]string
		}
	}
	if err := json.Unmarshal([]byte(content), &lock); err != nil {
		t.Fatal(err)
	}
	for name, entry := range lock.Packages {
		for optional := range entry.OptionalDependencies {
			if _, ok := lock.Packages["node_modules/"+optional]; !ok {
				t.Errorf("%s needs %s on some platform, which is not locked", name, optional)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
