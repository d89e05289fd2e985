package arch

import (
	"fmt"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// Floor is the oldest version of a module that is safe to use.
type Floor struct{ Module, Version, Because string }

// Floors are the version floors of the project; they bind where the module is present.
var Floors = []Floor{
	{"github.com/labstack/echo/v4", "v4.15.4", "CVE-2026-55677: %2F passes static routes"},
	{"github.com/jackc/pgx/v5", "v5.9.2", "CVE-2026-41889, CVE-2026-33815, CVE-2026-33816"},
	{"github.com/golang-jwt/jwt/v5", "v5.2.2", "CVE-2025-30204"},
	{"github.com/go-jose/go-jose/v4", "v4.1.4", "CVE-2026-34986"},
	{"golang.org/x/net", "v0.55.0", "HTML parser and idna vulnerabilities of 2026"},
	{"github.com/russellhaering/goxmldsig", "v1.6.0", "CVE-2026-33487"},
	{"github.com/stripe/stripe-go/v76", "v76.25.0", "the last of the frozen line whose API version we pin"},
}

// Refused are modules that have no safe version for what they are for, with the reason.
var Refused = map[string]string{
	"github.com/gorilla/csrf":       "CVE-2025-47909 has no fix; use http.CrossOriginProtection",
	"github.com/doyensec/safeurl":   "its address lists miss IPv6 ranges (CVE-2026-54452)",
	"github.com/golang-jwt/jwt":     "superseded by v5, which fixes CVE-2025-30204",
	"github.com/dgrijalva/jwt-go":   "unmaintained",
	"gopkg.in/square/go-jose.v2":    "unmaintained",
	"github.com/go-jose/go-jose/v3": "superseded by v4, which fixes CVE-2026-34986",
}

// oldestGo has the fix of http.CrossOriginProtection (CVE-2025-47910).
const oldestGo = "v1.25.1"

// CheckVersions names every module of a go.mod file that is older than its floor or refused.
func CheckVersions(name string, content []byte) ([]string, error) {
	mod, err := modfile.Parse(name, content, nil)
	if err != nil {
		return nil, err
	}
	var broken []string
	if mod.Go == nil || semver.Compare("v"+mod.Go.Version, oldestGo) < 0 {
		broken = append(broken, fmt.Sprintf("%s must ask for Go %s or newer (CVE-2025-47910)", name, strings.TrimPrefix(oldestGo, "v")))
	}
	for _, r := range mod.Require {
		if why, ok := Refused[r.Mod.Path]; ok {
			broken = append(broken, fmt.Sprintf("%s must not require %s: %s", name, r.Mod.Path, why))
		}
		for _, f := range Floors {
			if r.Mod.Path == f.Module && semver.Compare(r.Mod.Version, f.Version) < 0 {
				broken = append(broken, fmt.Sprintf("%s requires %s %s, older than %s: %s",
					name, f.Module, r.Mod.Version, f.Version, f.Because))
			}
		}
	}
	return broken, nil
}
