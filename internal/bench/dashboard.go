package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"mcpauth.example/internal/devdb"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/signin"
)

// dashboardLooks is how often each page is asked for.
const dashboardLooks = 21

// measureDashboard fills a project and says how long the server takes for each of its pages, from the request to the last byte, one
// request at a time.
func measureDashboard(ctx context.Context, o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "mcpauth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	database, err := devdb.Start(ctx, devdb.Options{DataDir: o.dataDir, Durable: true, Reset: true})
	if err != nil {
		return err
	}
	defer func() { _ = database.Stop() }()
	p, _, err := startProduct(ctx, o, database, dir)
	if p != nil {
		defer p.stop()
	}
	if err != nil {
		return err
	}
	const email, password = "member@example.com", "correct horse battery staple"
	hash, err := signin.NewPasswords().Hash(ctx, password)
	if err != nil {
		return err
	}
	_, organization, err := p.store.EnsureMember(ctx, email, hash, "Bench") // whose project the product's seeding made
	if err != nil {
		return err
	}
	crowd := postgres.CrowdOf(o.dashboard)
	_, _ = fmt.Fprintf(progress, "bench: seeding %d users, %d grants and %d rows of activity\n", crowd.Users, crowd.Grants, crowd.Activity)
	if err := p.store.SeedCrowd(ctx, p.issuer.ID, crowd); err != nil {
		return err
	}
	if err := analyse(ctx, database, devdb.Database); err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	visitor := dashboardVisitor{client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, base: p.base}
	if err := visitor.signIn(ctx, email, password); err != nil {
		return err
	}
	project := "/dashboard/" + organization.String() + "/projects/" + p.issuer.ID.String()
	overview, _, err := visitor.look(ctx, project)
	if err != nil {
		return err
	}
	pages := []string{project + "/activity?show=all", project + "/users?q=person77", project + "/connections?client=client7", project + "/clients?q=client+9"}
	for _, link := range regexp.MustCompile(`href="(/dashboard/[^"#?]+)"`).FindAllStringSubmatch(overview, -1) {
		pages = append(pages, link[1])
	}
	slices.Sort(pages)
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "page\tp50\tworst\tKB\t")
	for _, page := range slices.Compact(pages) {
		var times []time.Duration
		var body string
		for range dashboardLooks {
			got, took, err := visitor.look(ctx, page)
			if err != nil {
				return err
			}
			times, body = append(times, took), got
		}
		slices.Sort(times)
		name := strings.TrimPrefix(strings.Replace(page, project, "", 1), "/dashboard/"+organization.String())
		if name == "" {
			name = "/ (overview)"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t\n", name, times[len(times)/2].Round(100*time.Microsecond), times[len(times)-1].Round(100*time.Microsecond), len(body)>>10)
	}
	return table.Flush()
}

type dashboardVisitor struct {
	client *http.Client
	base   string
}

func (v dashboardVisitor) signIn(ctx context.Context, email, password string) error {
	form := url.Values{"email": {email}, "password": {password}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+"/dashboard/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := v.client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("sign-in to the dashboard: status %d, expected 303", response.StatusCode)
	}
	return nil
}

// look asks for a page and reads it to its end.
func (v dashboardVisitor) look(ctx context.Context, path string) (string, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, nil)
	if err != nil {
		return "", 0, err
	}
	began := time.Now()
	response, err := v.client.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	took := time.Since(began)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d, expected 200", path, response.StatusCode)
	}
	return string(body), took, err
}
