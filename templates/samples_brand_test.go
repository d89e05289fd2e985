package templates_test

import . "mcpauth.example/templates"

// brandSamples are the branding editor.
func brandSamples() []sample {
	preview := BrandPreview{Src: "/dashboard/brand/frame", State: "new", Scheme: "light", Size: "desktop", States: []Choice{{Value: "new", Label: "Consent: a new client"}, {Value: "sign-in", Label: "Sign-in"}},
		Contrasts: []ContrastLine{{What: "Text on the button", Light: "6.1", Dark: "5.2"}, {What: "Links on the card", Light: "4.6", Dark: "7.0"}}, Remark: "Links take a darker or lighter shade of the accent, since it could not be read as it is."}
	editor := BrandPage{Shell: shell("Branding", "Acme Tools"), Action: "/dashboard/brand", PreviewAction: "/dashboard/brand/preview", Accent: Field{Value: "#5b1a55"}, Radius: Field{Value: "14"}, Fonts: []string{"system", "humanist"}, Font: "humanist",
		HasLogo: true, Draft: true, DiscardAction: "/dashboard/brand/discard", Preview: preview, Versions: []BrandVersion{{Number: "2", By: "published by you", Current: true}, {Number: "1", By: "published by another member", ShowAction: "/dashboard/brand/show"}}}
	wrong := editor
	wrong.Accent, wrong.Text, wrong.Logo = Field{Value: "red", Error: "Enter a colour as # and six hexadecimal digits, such as #1e66d1."}, Field{Value: "www.acme.example", Error: "Leave addresses out: links have fields of their own."}, Field{Error: "Choose a PNG, JPEG or WebP picture."}
	wrong.Preview.Problem, wrong.Preview.Size, wrong.Versions = "Enter a colour as # and six hexadecimal digits. The preview shows the rest.", "phone", nil
	viewer := BrandPage{Shell: shell("Branding", "Acme Tools"), PreviewAction: "/dashboard/brand/preview", Preview: BrandPreview{Src: "/dashboard/brand/frame", States: preview.States}}
	return []sample{
		{"brand", dashboard, BrandEditor(editor)},
		{"brand-error", dashboard, BrandEditor(wrong)},
		{"brand-viewer", dashboard, BrandEditor(viewer)},
	}
}
