package dashboard

import (
	"net/http"
	"net/url"
	"time"
)

// securityTextLifetime is how long the file is good for: RFC 9116 section 2.5.5 recommends less than a year.
const securityTextLifetime = 180 * 24 * time.Hour

// securityText says where to report vulnerabilities (RFC 9116). It expires by itself, so that a forgotten installation is recognised.
func (d *dashboard) securityText(v *request) error {
	host := "localhost"
	if base, err := url.Parse(d.BaseURL); err == nil {
		host = base.Hostname()
	}
	return v.String(http.StatusOK, "Contact: mailto:security@"+host+"\n"+
		"Expires: "+d.Now().Add(securityTextLifetime).UTC().Truncate(24*time.Hour).Format(time.RFC3339)+"\n"+
		"Preferred-Languages: en\n"+
		"Canonical: "+d.BaseURL+pathSecurity+"\n"+
		"Policy: "+d.BaseURL+docsHref("security")+"\n")
}

// robots keeps search engines out of the dashboard, which they could not see anyway.
func (d *dashboard) robots(v *request) error {
	return v.String(http.StatusOK, "User-agent: *\nDisallow: /dashboard\n")
}
