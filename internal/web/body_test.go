package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/web"
)

func TestForm(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		contentType, body string
		chunked           bool
		want              int
	}{
		"form":                      {contentType: form, body: "a=1&a=2&b=%C3%A9", want: http.StatusOK},
		"with a charset":            {contentType: form + "; charset=UTF-8", body: "a=1", want: http.StatusOK},
		"empty":                     {contentType: form, want: http.StatusOK},
		"another type":              {contentType: "text/plain", body: "a=1", want: http.StatusUnsupportedMediaType},
		"multipart":                 {contentType: "multipart/form-data; boundary=x", body: "a=1", want: http.StatusUnsupportedMediaType},
		"no type":                   {body: "a=1", want: http.StatusUnsupportedMediaType},
		"bad escape":                {contentType: form, body: "a=%zz", want: http.StatusBadRequest},
		"semicolon":                 {contentType: form, body: "a=1;b=2", want: http.StatusBadRequest},
		"NUL":                       {contentType: form, body: "a=%00", want: http.StatusBadRequest},
		"NUL in a name":             {contentType: form, body: "%00=a", want: http.StatusBadRequest},
		"not UTF-8":                 {contentType: form, body: "a=%FF", want: http.StatusBadRequest},
		"as large as allowed":       {contentType: form, body: "a=" + strings.Repeat("x", 98), want: http.StatusOK},
		"too large":                 {contentType: form, body: "a=" + strings.Repeat("x", 99), want: http.StatusRequestEntityTooLarge},
		"too large, not announced":  {contentType: form, body: "a=" + strings.Repeat("x", 99), chunked: true, want: http.StatusRequestEntityTooLarge},
		"exact size, not announced": {contentType: form, body: "a=" + strings.Repeat("x", 98), chunked: true, want: http.StatusOK},
	} {
		var got url.Values
		e := web.New(discard())
		e.Use(web.MaxBody(100))
		e.POST("/", func(c echo.Context) (err error) {
			got, err = web.Form(c)
			return err
		})
		r := httptest.NewRequest(http.MethodPost, "/?a=query", strings.NewReader(c.body))
		if c.chunked {
			r.ContentLength = -1
		}
		r.Header.Set("Content-Type", c.contentType)
		if w := serve(e, r); w.Code != c.want {
			t.Errorf("%s: %d, expected %d", name, w.Code, c.want)
		}
		if name == "form" {
			if diff := cmp.Diff(url.Values{"a": {"1", "2"}, "b": {"é"}}, got); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestMaxBodySeesWhatAHandlerRead(t *testing.T) {
	t.Parallel()
	e := web.New(discard())
	e.Use(web.MaxBody(10))
	e.POST("/", func(c echo.Context) error {
		_, err := io.ReadAll(c.Request().Body)
		return fmt.Errorf("decode: %w", err)
	})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 11)))
	r.ContentLength = -1
	if w := serve(e, r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d", w.Code)
	}
}

func TestRenderIsAllOrNothing(t *testing.T) {
	t.Parallel()
	e := web.New(discard())
	e.GET("/good", func(c echo.Context) error { return web.Render(c, http.StatusTeapot, templ.Raw("<p>page</p>")) })
	e.GET("/bad", func(c echo.Context) error {
		return web.Render(c, http.StatusOK, templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
			_, _ = io.WriteString(w, "half")
			return errors.New("broken")
		}))
	})
	good := serve(e, httptest.NewRequest(http.MethodGet, "/good", nil))
	if good.Code != http.StatusTeapot || good.Body.String() != "<p>page</p>" || good.Header().Get("Cache-Control") != "no-store" ||
		good.Header().Get("Content-Type") != "text/html; charset=UTF-8" {
		t.Errorf("%d %v %s", good.Code, good.Header(), good.Body)
	}
	if bad := serve(e, httptest.NewRequest(http.MethodGet, "/bad", nil)); bad.Code != http.StatusInternalServerError || strings.Contains(bad.Body.String(), "half") {
		t.Errorf("%d %s", bad.Code, bad.Body)
	}
}

// A request under way when the end comes is answered; a new one is not taken.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	started, release, served := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		served <- web.Serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(started)
			<-release
			_, _ = io.WriteString(w, "done")
		}))
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-started
	cancel()
	for { // until the listener is closed
		extra, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		_ = extra.Close()
	}
	close(release)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	if _ = response.Body.Close(); string(body) != "done" {
		t.Errorf("body %q", body)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestServeSaysWhyItEnded(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := web.Serve(t.Context(), listener, http.NotFoundHandler()); err == nil {
		t.Error("no error for a closed listener")
	}
}
