package oauth

import (
	"slices"
	"strings"
)

// parseScope splits a scope parameter (RFC 6749 section 3.3) and drops repetitions.
func parseScope(s string) []string {
	var names []string
	for name := range strings.SplitSeq(s, " ") {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// grantable keeps what the issuer knows, in the issuer's order with offline_access last. Unknown names are dropped (P13); it is an
// error only when nothing remains. No request at all means the defaults.
func (i *Issuer) grantable(requested []string) ([]string, *Error) {
	offline := slices.Contains(requested, ScopeOfflineAccess)
	var kept []string
	for _, s := range i.Scopes {
		if slices.Contains(requested, s.Name) {
			kept = append(kept, s.Name)
		}
	}
	if len(requested) == 0 || (offline && len(requested) == 1) {
		kept = i.DefaultScopes()
	}
	if len(kept) == 0 {
		known := make([]string, 0, len(i.Scopes))
		for _, s := range i.Scopes {
			known = append(known, s.Name)
		}
		return nil, newError(InvalidScope, "None of the requested scopes exists here. Expected some of: "+strings.Join(known, " ")).
			at("scope", strings.Join(requested, " ")).expecting(strings.Join(known, " "))
	}
	if offline {
		kept = append(kept, ScopeOfflineAccess)
	}
	return kept, nil
}

// narrowed reads the scope parameter of a token request: names that do not exist here are dropped as at authorization (P13), and
// offline_access says nothing about an access token.
func (i *Issuer) narrowed(requested string) ([]string, *Error) {
	names := slices.DeleteFunc(parseScope(requested), func(name string) bool { return name == ScopeOfflineAccess })
	if len(names) == 0 {
		return nil, nil
	}
	return i.grantable(names)
}

// known keeps what still exists here: a scope that was deleted after it was granted is in no new token.
func (i *Issuer) known(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name != ScopeOfflineAccess && !slices.ContainsFunc(i.Scopes, func(s Scope) bool { return s.Name == name })
	})
}

// Describe gives the scopes' words for people, in the order of names; offline_access is not among them.
func (i *Issuer) Describe(names []string) []Scope {
	var out []Scope
	for _, s := range i.Scopes {
		if slices.Contains(names, s.Name) {
			out = append(out, s)
		}
	}
	return out
}
