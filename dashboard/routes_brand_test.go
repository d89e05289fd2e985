package dashboard_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// brandArea is the branding editor.
var brandArea = area{
	seed: func(t *testing.T, w *world) {
		t.Helper()
		brand := tenants.Brand{Accent: "#5b1a55", Radius: -1}
		if err := w.projects.SetBrandDraft(t.Context(), tenants.SystemActor, w.organization, w.project, brand, nil); err != nil {
			t.Fatal(err)
		}
		must(w.projects.PublishBrand(t.Context(), tenants.SystemActor, w.organization, w.project))
		if err := w.projects.SetBrandDraft(t.Context(), tenants.SystemActor, w.organization, w.project, brand, onePixel(t)); err != nil {
			t.Fatal(err)
		}
		stored := must(w.projects.BrandDraft(t.Context(), tenants.SystemActor, w.organization, w.project))
		look := secret.Encode(w.keys.Seal("dashboard-brand-draft", must(json.Marshal(stored)), w.project[:]))
		w.query = map[string]string{}
		for _, page := range []string{"/frame", "/base.css", "/look.css", "/logo.png"} {
			w.query[below+"/branding"+page] = url.Values{"look": {look}, "state": {"new"}}.Encode()
		}
	},
	forms: map[string]func(*world) url.Values{
		"GET " + below + "/branding":          nil,
		"POST " + below + "/branding":         form("accent", "#1e66d1", "radius", "8", "then", "publish"),
		"POST " + below + "/branding/preview": form("accent", "#1e66d1"),
		"POST " + below + "/branding/discard": form(),
		"POST " + below + "/branding/show":    form("version", "1"),
		"POST " + below + "/branding/publish": form(),
		"GET " + below + "/branding/frame":    nil,
		"GET " + below + "/branding/base.css": nil,
		"GET " + below + "/branding/look.css": nil,
		"GET " + below + "/branding/logo.png": nil,
	},
}
