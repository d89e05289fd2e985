package dashboard_test

import (
	"bytes"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"mcpauth.example/internal/web"
	"mcpauth.example/tenants"
)

func onePixel(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewRGBA(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// upload posts a form with a file, as a browser does.
func (b *browser) upload(t *testing.T, path, file string, content []byte, pairs ...string) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(pairs); i += 2 {
		if err := w.WriteField(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := must(w.CreateFormFile(file, "logo.png")).Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.send(t, http.MethodPost, path, w.FormDataContentType(), &body)
}

// A draft is seen by members alone; what is published has a version, and an earlier one comes back exactly (catalogue 150).
func TestBrandIsDraftedPublishedAndRolledBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	b.upload(t, w.of(t, "/branding"), "logo", onePixel(t), "accent", "#ffcc00", "radius", "12", "title", "Hello", "then", "publish").want(t, http.StatusSeeOther)
	second := w.stylesheet(t)
	if !strings.Contains(second, "--accent:#ffcc00") || !strings.Contains(second, "--radius:12px") {
		t.Fatalf("published: %s", second)
	}
	b.post(t, w.of(t, "/branding"), "accent", "#123456", "then", "draft").want(t, http.StatusSeeOther)
	if w.stylesheet(t) != second {
		t.Error("a draft is shown to people")
	}
	editor := b.get(t, w.of(t, "/branding")).want(t, http.StatusOK)
	if value, _ := editor.doc.Find("#accent").Attr("value"); value != "#123456" || !strings.Contains(editor.doc.Find("main").Text(), "A draft is not published") {
		t.Errorf("the draft is not in the form: %q", value)
	}
	b.post(t, w.of(t, "/branding"), "accent", "#123456", "then", "publish").want(t, http.StatusSeeOther)
	if w.stylesheet(t) == second {
		t.Error("publishing changed nothing")
	}
	b.post(t, w.of(t, "/branding/show"), "version", "2").want(t, http.StatusSeeOther)
	if got := w.stylesheet(t); got != second {
		t.Errorf("rolled back:\n%s\nexpected\n%s", got, second)
	}
}

// stylesheet is what people of the project get now, on a node that knew nothing before.
func (w *world) stylesheet(t *testing.T) string {
	t.Helper()
	versions := must(w.projects.Brands(t.Context(), tenants.SystemActor, w.organization, w.project))
	settings := must(w.projects.Settings(t.Context(), tenants.SystemActor, w.organization, w.project))
	for _, v := range versions {
		if v.Version == settings.BrandVersion {
			return v.Stylesheet()
		}
	}
	return ""
}

// Catalogue 140, 149: the preview is the real page without anything that runs; only our own pages may frame it, and its look cannot be
// made up by somebody else.
func TestBrandPreview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	panel := b.post(t, w.of(t, "/branding/preview"), "accent", "#ffcc00", "title", "</style><script>alert(1)</script>", "state", "sign-in", "scheme", "dark").want(t, http.StatusOK)
	src, _ := panel.doc.Find("iframe").Attr("src")
	if sandbox, _ := panel.doc.Find("iframe").Attr("sandbox"); sandbox != "allow-same-origin" {
		t.Errorf("sandbox %q", sandbox)
	}
	frame := b.get(t, src).want(t, http.StatusOK)
	policy := frame.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'self'") || strings.Contains(policy, "script-src") || frame.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("policy %q", policy)
	}
	if frame.doc.Find("script").Length() != 0 || !strings.Contains(frame.text, "&lt;script&gt;alert(1)") {
		t.Error("a text of the brand became markup, or is not shown")
	}
	for _, link := range frame.doc.Find("link[rel=stylesheet]").EachIter() {
		href, _ := link.Attr("href")
		css := b.get(t, href).want(t, http.StatusOK)
		if strings.Contains(css.text, "prefers-color-scheme") {
			t.Errorf("%s leaves the scheme to the system", href)
		}
	}
	for _, forged := range []string{"look=AAAA", "look=", ""} {
		b.get(t, w.of(t, "/branding/frame?"+forged)).want(t, http.StatusBadRequest)
	}
	if editor := b.get(t, w.of(t, "/branding")); editor.Header.Get("X-Frame-Options") != "DENY" || !strings.Contains(editor.Header.Get("Content-Security-Policy"), web.PolicyDashboard) {
		t.Error("the editor itself may be framed")
	}
	wrong := b.post(t, w.of(t, "/branding"), "accent", "red", "title", "Hello", "then", "publish").want(t, http.StatusUnprocessableEntity)
	if wrong.doc.Find("#accent-error").Length() != 1 {
		t.Error("no word about the colour")
	}
	if value, _ := wrong.doc.Find("#title").Attr("value"); value != "Hello" {
		t.Error("what was typed is lost")
	}
	large := b.upload(t, w.of(t, "/branding"), "logo", bytes.Repeat([]byte("x"), tenants.MaxLogoUpload+128<<10), "then", "draft")
	large.want(t, http.StatusRequestEntityTooLarge)
	b.upload(t, w.of(t, "/branding"), "logo", []byte("<svg onload=alert(1)>"), "then", "draft").want(t, http.StatusUnprocessableEntity)
}
