package dashboard

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/templates/ui"
	"mcpauth.example/tenants"
)

// The overview shows so many days and attempts.
const (
	overviewDays     = 30
	overviewAttempts = 5
)

func (d *dashboard) overview(v *request) error {
	counts, err := d.Projects.Days(v.ctx(), v.actor(), v.org(), v.project.ID, overviewDays)
	if err != nil {
		return err
	}
	attempts, _, err := d.Projects.Attempts(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.ActivityFilter{Limit: 4 * overviewAttempts})
	if err != nil {
		return err
	}
	servers, err := d.Projects.Servers(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	view := templates.OverviewPage{
		Shell: d.layout(v, v.project.Name, pathProject), Name: v.project.Name, Issuer: v.project.Issuer, Aliases: v.project.Aliases, MetadataURL: oauth.MetadataURL(v.project.Issuer),
		Suspended: v.project.Suspended, Users: ui.Number(counts.TotalUsers), Connections: counted(counts.LivingGrants, 100*tenants.CountedTo-1),
		ActivityHref: v.href(pathActivity) + "?show=all", ConnectionsHref: v.href(pathConnections), UsersHref: v.href(pathUsers),
		Charts: []ui.BarsProps{
			chart(counts, counts.Connections, "Connections made", "connections", "", "chart-connections"),
			chart(counts, counts.Failures, "Failed steps", "failed steps", "bad", "chart-failures"),
		},
	}
	if len(servers) > 0 {
		view.SetUpHref = v.href(pathSetUp, ":server", servers[0].ID.String())
	}
	attempts = slices.DeleteFunc(attempts, func(a tenants.Attempt) bool { return !isAnything(a) })
	for _, a := range attempts[:min(len(attempts), overviewAttempts)] {
		view.Latest = append(view.Latest, d.attemptView(v, a))
	}
	view.Attention = attention(v, servers, attempts, d.Now())
	return web.Render(v, http.StatusOK, templates.Overview(view))
}

func chart(counts tenants.DailyCounts, values []int, title, unit, tone, hook string) ui.BarsProps {
	props := ui.BarsProps{Title: title, Unit: unit, Tone: tone, Hook: hook}
	for i, day := range counts.Days {
		props.Days = append(props.Days, ui.DayCount{Day: day, Count: values[i]})
		props.Total += values[i]
	}
	return props
}

// attention is what a member should look at first.
func attention(v *request, servers []tenants.ServerSummary, attempts []tenants.Attempt, now time.Time) (lines []templates.AttentionLine) {
	if v.project.Suspended {
		lines = append(lines, templates.AttentionLine{Tone: "warn", Text: "This project is suspended: nobody can connect to its MCP servers until it is resumed.", Href: v.href(pathDanger), Link: "Danger zone"})
	}
	for _, s := range servers {
		if s.SecretUsed.IsZero() {
			lines = append(lines, templates.AttentionLine{Tone: "info", Text: s.Name + " never asked mcpauth about anything. Either it has no guard yet, or it checks tokens by other means.", Href: v.href(pathSetUp, ":server", s.ID.String()), Link: "Set it up"})
		}
	}
	if len(servers) == 0 {
		lines = append(lines, templates.AttentionLine{Tone: "info", Text: "There is no MCP server yet.", Href: v.href(pathServers), Link: "Add one"})
	}
	return append(lines, failing(v, attempts, now)...)
}

// failing counts the latest failures by their reason, the most frequent first. Tests are not among them.
func failing(v *request, attempts []tenants.Attempt, now time.Time) (lines []templates.AttentionLine) {
	var reasons []string
	counts := map[string]int{}
	for _, a := range attempts {
		if !a.Failed(now) {
			continue
		}
		failure, _ := a.Failure()
		reason := reasonOf(failure)
		if counts[reason]++; counts[reason] == 1 {
			reasons = append(reasons, reason)
		}
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return counts[b] - counts[a] })
	for _, reason := range reasons {
		lines = append(lines, templates.AttentionLine{Tone: "bad", Text: strconv.Itoa(counts[reason]) + " of the latest attempts failed: " + reason + ".",
			Href: v.href(pathActivity), Link: "See why"})
	}
	return lines
}
