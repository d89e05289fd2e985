package tenants

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// placeholder stands for the slug in an issuer template.
const placeholder = "{project}"

// ErrIssuerTemplate is returned, with what was expected, for a template that cannot name issuers.
var ErrIssuerTemplate = errors.New("issuer template: expected an address such as https://{project}.auth.example.com or http://localhost:8080/t/{project}")

// IssuerTemplate turns a slug into an issuer URL. The zero value is no template.
type IssuerTemplate struct {
	before, after string
	inPath        bool
}

// siteFolders are the first parts of paths that the site, the dashboard, the programs' interface and the packages have on the root host:
// issuers below them would take their addresses away.
var siteFolders = []string{"account", "api", "dashboard", "docs", "go", "pricing", "sdk", "static", ".well-known"}

// ParseIssuerTemplate reads a template: https, or http on localhost, with {project} once, as the first label of the host or as the
// last part of the path, which must not be below a folder of the site; no trailing slash, query or fragment, everything in its canonical
// spelling.
func ParseIssuerTemplate(text string) (IssuerTemplate, error) {
	before, after, found := strings.Cut(text, placeholder)
	if !found || strings.Contains(after, placeholder) {
		return IssuerTemplate{}, fmt.Errorf("%w: %s must occur once", ErrIssuerTemplate, placeholder)
	}
	inHost := strings.HasSuffix(before, "://") && strings.HasPrefix(after, ".")
	inPath := strings.HasSuffix(before, "/") && after == "" && !strings.HasSuffix(before, "://")
	if !inHost && !inPath {
		return IssuerTemplate{}, fmt.Errorf("%w: %s must be the first label of the host or the last part of the path", ErrIssuerTemplate, placeholder)
	}
	if u, err := url.Parse(strings.TrimSuffix(before, "/")); inPath && err == nil {
		if folder, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/"); slices.Contains(siteFolders, folder) {
			return IssuerTemplate{}, fmt.Errorf("%w: the site has /%s itself; expected another path, such as /t/%s", ErrIssuerTemplate, folder, placeholder)
		}
	}
	template := IssuerTemplate{before: before, after: after, inPath: inPath}
	sample := template.URL("sample")
	canonical, problem := canonicalURL(sample)
	if problem != "" {
		return IssuerTemplate{}, fmt.Errorf("%w: %s", ErrIssuerTemplate, problem)
	}
	if canonical != sample {
		return IssuerTemplate{}, fmt.Errorf("%w: lower-case host, no default port, no trailing slash", ErrIssuerTemplate)
	}
	return template, nil
}

// URL is the issuer URL of the project with the slug; it has no trailing slash.
func (t IssuerTemplate) URL(slug string) string { return t.before + slug + t.after }

// InPath reports whether projects share an origin and differ in their path.
func (t IssuerTemplate) InPath() bool { return t.inPath }

// String is the template as it was read.
func (t IssuerTemplate) String() string {
	if t == (IssuerTemplate{}) {
		return ""
	}
	return t.URL(placeholder)
}

// IsZero reports whether there is no template.
func (t IssuerTemplate) IsZero() bool { return t == IssuerTemplate{} }

// Address is what requests are matched by: the URL without its scheme, the host in lower case, without the default port of the scheme and
// without a trailing slash. It is "" for what is not an absolute http or https URL.
func Address(issuerURL string) string {
	u, err := url.Parse(issuerURL)
	if err != nil || u.Host == "" || u.User != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch strings.ToLower(u.Scheme) {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return ""
	}
	return strings.TrimSuffix(host+u.EscapedPath(), "/")
}
