package oauth

import (
	"net/url"
	"strings"
)

// canonicalResource gives equivalent spellings of a resource one form: lower-case scheme and host, no default port, no single
// trailing slash (P5). It refuses what RFC 8707 section 2 refuses: relative URIs and fragments.
func canonicalResource(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(raw, "#") || len(raw) > 2000 {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	canonical := scheme + "://" + host + strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		canonical += "?" + u.RawQuery
	}
	return canonical, true
}

// resolveResource finds the MCP server that the resource parameters name. None means the default server (P6); an origin alone means
// the only server under that origin (P5).
func (i *Issuer) resolveResource(values []string) (Resource, *Error) {
	if len(i.Resources) == 0 {
		return Resource{}, newError(InvalidTarget, "This project has no MCP server yet.").at("resource", "")
	}
	switch {
	case len(values) > 1:
		return Resource{}, newError(InvalidTarget, "Expected one resource parameter per request.").at("resource", strings.Join(values, " ")).expecting(i.resourceURLs())
	case len(values) == 0 || values[0] == "":
		return i.Resources[0], nil
	}
	wanted, ok := canonicalResource(values[0])
	if !ok {
		return Resource{}, newError(InvalidTarget, "The resource is not an absolute http or https URI without fragment. Expected: "+i.resourceURLs()).
			at("resource", values[0]).expecting(i.resourceURLs())
	}
	var underOrigin []Resource
	for _, r := range i.Resources {
		known, _ := canonicalResource(r.URL)
		if known == wanted {
			return r, nil
		}
		if strings.HasPrefix(known, wanted+"/") && isOrigin(wanted) {
			underOrigin = append(underOrigin, r)
		}
	}
	if len(underOrigin) == 1 {
		return underOrigin[0], nil
	}
	return Resource{}, newError(InvalidTarget, "Unknown resource. Expected: "+i.resourceURLs()).at("resource", values[0]).expecting(i.resourceURLs())
}

func isOrigin(canonical string) bool {
	_, rest, _ := strings.Cut(canonical, "://")
	return !strings.ContainsAny(rest, "/?")
}

func (i *Issuer) resourceURLs() string {
	urls := make([]string, 0, len(i.Resources))
	for _, r := range i.Resources {
		urls = append(urls, r.URL)
	}
	return strings.Join(urls, " or ")
}
