package endpoints_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

func onePicture(t *testing.T, side int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// publish makes a brand of the tenant and shows it.
func (tn *tenant) publish(b tenants.Brand, upload []byte) int {
	tn.w.t.Helper()
	if err := tn.w.projects.SetBrandDraft(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID, b, upload); err != nil {
		tn.w.t.Fatal(err)
	}
	version, err := tn.w.projects.PublishBrand(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID)
	if err != nil {
		tn.w.t.Fatal(err)
	}
	tn.w.forget()
	return version
}

// A published brand is on every page, a draft on none, and going back gives exactly the earlier one.
func TestBrand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	look := func() (page *answer, styles, logo string) {
		page = b.get(tn.authorizeURL(tn.request(client)))
		return page, page.document().Find(`link[rel=stylesheet][href*="/oauth/brand/"]`).AttrOr("href", ""), page.document().Find(".logo img").AttrOr("src", "")
	}
	plain, styles, logo := look()
	if styles != "" || logo != "" || !plain.has(".initial") {
		t.Errorf("%q %q", styles, logo)
	}
	if _, err := w.projects.PublishBrand(t.Context(), tenants.SystemActor, w.org, tn.project.ID); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("nothing to publish: %v", err)
	}
	first := tenants.Brand{Accent: "#7a1fa2", Radius: 12, Font: "serif", Title: `Welcome to "Acme" <b>`, Text: "</p><script>alert(1)</script>", SupportURL: "mailto:help@acme.example", TermsURL: "https://acme.example/terms"}
	if err := w.projects.SetBrandDraft(t.Context(), tenants.SystemActor, w.org, tn.project.ID, first, onePicture(t, 40)); err != nil {
		t.Fatal(err)
	}
	if w.forget(); true {
		if _, styles, _ := look(); styles != "" {
			t.Error("a draft is shown")
		}
	}
	if version := tn.publish(first, onePicture(t, 40)); version != 1 {
		t.Errorf("version %d", version)
	}
	page, styles, logo := look()
	shown := page.document()
	if shown.Find("h1").Text() != first.Title || shown.Find("#copy").Text() != first.Text || shown.Find("script").Length() != 0 ||
		shown.Find(`footer a[href="mailto:help@acme.example"]`).Text() != "Support" || shown.Find(`footer a[href="https://acme.example/terms"]`).Text() != "Terms" {
		t.Errorf("%s", page.body)
	}
	css, picture := b.get(styles), b.get(logo)
	if css.StatusCode != http.StatusOK || !strings.Contains(css.body, "--accent:#7a1fa2") || css.Header.Get("Content-Type") != "text/css; charset=utf-8" ||
		picture.StatusCode != http.StatusOK || picture.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(picture.body, "\x89PNG") {
		t.Fatalf("%d %s %d", css.StatusCode, css.body, picture.StatusCode)
	}
	for _, file := range []*answer{css, picture} { // 150
		if h := file.Header; h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'; sandbox" ||
			!strings.Contains(h.Get("Cache-Control"), "immutable") || len(h["Set-Cookie"]) != 0 {
			t.Errorf("%v", h)
		}
	}
	if got := call(t, w.door, http.MethodGet, strings.Replace(logo, "/t/demo/", "/t/other/", 1), nil, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("another tenant's logo: %d", got.StatusCode)
	}
	if version := tn.publish(tenants.Brand{Accent: "#00695c", Radius: 0}, nil); version != 2 {
		t.Errorf("version %d", version)
	}
	if _, second, none := look(); second == styles || none != "" {
		t.Errorf("%q %q", second, none)
	}
	if err := w.projects.ShowBrand(t.Context(), tenants.SystemActor, w.org, tn.project.ID, 1); err != nil {
		t.Fatal(err)
	}
	w.forget()
	back, again, sameLogo := look()
	if again != styles || sameLogo != logo || normal(back.body) != normal(page.body) {
		t.Error("going back shows something else")
	}
	if err := w.projects.ShowBrand(t.Context(), tenants.SystemActor, w.org, tn.project.ID, 3); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("a version that never was: %v", err)
	}
	list, err := w.store.ListBrands(t.Context(), w.org, tn.project.ID)
	if err != nil || len(list) != 2 || list[0].Version != 2 || list[1].Accent != "#7a1fa2" {
		t.Errorf("%+v %v", list, err)
	}
	var refused tenants.FieldError
	if err := w.projects.SetBrandDraft(t.Context(), tenants.SystemActor, w.org, tn.project.ID, first, []byte("<svg/>")); !errors.As(err, &refused) || refused.Field != "logo" {
		t.Errorf("%v", err)
	}
}
