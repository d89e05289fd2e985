package dashboard_test

import (
	"net/url"
	"testing"
)

// siteArea is what stands before the organizations: the site, the entrance and the member's own pages.
var siteArea = area{seed: func(_ *testing.T, w *world) { w.params[":page"] = "quickstart" }, forms: map[string]func(*world) url.Values{
	"GET /":                                  nil,
	"GET /pricing":                           nil,
	"GET /docs":                              nil,
	"GET /docs/:page":                        nil,
	"GET /llms.txt":                          nil,
	"GET /llms-full.txt":                     nil,
	"GET /.well-known/security.txt":          nil,
	"GET /robots.txt":                        nil,
	"GET /dashboard/sign-in":                 nil,
	"POST /dashboard/sign-in":                form("email", "owner@example.com", "password", password),
	"POST /dashboard/sign-in/email":          form("email", "owner@example.com"),
	"GET /dashboard/sign-in/code":            nil,
	"POST /dashboard/sign-in/code":           form("code", "123456"),
	"POST /dashboard/confirm":                form("how", "password", "password", "wrong"),
	"GET /dashboard/account":                 nil,
	"POST /dashboard/account/password":       form("password", "another correct horse battery"),
	"POST /dashboard/account/sessions":       form("others", "yes"),
	"POST /dashboard/account/delete":         form("confirm", "viewer@example.com"),
	"POST /dashboard/sign-in/passkey":        form("credential", "x"),
	"GET /dashboard/sign-in/github":          nil,
	"GET /dashboard/sign-in/github/callback": nil,
	"POST /dashboard/account/passkeys":       form("remove", "AAAA"),
	"POST /dashboard/sign-out":               form(),
	"GET /dashboard/sign-up":                 nil,
	"POST /dashboard/sign-up":                form("name", "Evil", "email", "eve@example.com", "password", password),
	"GET /dashboard/sign-up/code":            nil,
	"POST /dashboard/sign-up/code":           form("code", "123456"),
	"GET /dashboard":                         nil,
	"GET /dashboard/invitations":             nil,
	"GET /dashboard/organizations/new":       nil,
	"POST /dashboard/organizations":          form("name", "Another"),
	"POST /dashboard/theme":                  form("theme", "dark", "next", "/dashboard"),
}}
