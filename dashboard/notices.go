package dashboard

import (
	"cmp"
	"context"
	"strings"

	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

const (
	teamWarning     = "If none of you wanted this, put it right on the team page now, and sign out other browsers on your account page: somebody may be signed in as you or another owner."
	providerWarning = "If none of you wanted this, put it right on the sign-in page of the project now, and read in the audit log what else was done."
)

// NoticeMail puts into words what owners are told of, with links to the service at this address.
func NoticeMail(baseURL string) tenants.NoticeMail {
	return func(n tenants.Notice) (subject, text, html string, err error) {
		view := templates.NoticeMail{Label: "Open the team page", URL: baseURL + strings.ReplaceAll(pathTeam, ":organization", n.Organization.ID.String())}
		if !n.Project.ID.IsZero() {
			view.Label = "Open the sign-in page of the project"
			view.URL = baseURL + strings.NewReplacer(":organization", n.Organization.ID.String(), ":project", n.Project.ID.String()).Replace(pathSignInSettings)
		}
		view.Title, view.Text = noticeWords(n)
		var out strings.Builder
		err = templates.NoticeMailHTML(view).Render(context.Background(), &out)
		return view.Subject(), templates.NoticeMailText(view), out.String(), err
	}
}

// noticeWords are the title and the paragraphs.
func noticeWords(n tenants.Notice) (title string, text []string) {
	organization := n.Organization.Name
	by := cmp.Or(n.By, "Whoever runs this service")
	switch n.Kind {
	case tenants.NoticeRole, tenants.NoticeJoined:
		title, text = roleWords(n, by)
	case tenants.NoticeRemoved:
		title = n.Member + " was removed from " + organization
		text = []string{by + " removed " + n.Member + ", whose role was " + string(n.From) + ". What they made stays with the organization.", teamWarning}
	case tenants.NoticeLeft:
		title = n.Member + " left " + organization
		text = []string{n.Member + ", whose role was " + string(n.From) + ", left the organization. What they made stays with it.", teamWarning}
	default:
		title, text = providerWords(n, by)
	}
	return title, text
}

// roleWords are about who may take the organization over.
func roleWords(n tenants.Notice, by string) (title string, text []string) {
	title = "New " + string(n.To) + " of " + n.Organization.Name + ": " + n.Member
	happened := by + " gave " + n.Member + " the role " + string(n.To) + ". Before it was " + string(n.From) + "."
	can := "An owner can do everything, such as give and take roles, pay, and delete the organization."
	switch {
	case n.From == tenants.RoleOwner:
		title = n.Member + " is no longer an owner of " + n.Organization.Name
		can = "They cannot pay, give the role of an owner, or delete the organization any more."
	case n.To == tenants.RoleAdmin:
		can = "An admin can change every project, and who belongs to the organization, owners aside."
	}
	if n.Kind == tenants.NoticeJoined {
		happened = n.Member + " accepted the invitation of " + by + ", and is " + string(n.To) + " now."
	}
	return title, []string{happened, can, teamWarning}
}

// providerWords are about who says who a project's people are.
func providerWords(n tenants.Notice, by string) (title string, text []string) {
	what, means := "identity provider", "It says who somebody is when they sign in with it."
	if n.External {
		what, means = "external login", "Whoever holds its secret says who the project's people are."
	}
	verb := map[tenants.NoticeKind]string{tenants.NoticeProviderAdded: "added", tenants.NoticeProviderRemoved: "removed"}[n.Kind]
	verb = cmp.Or(verb, "changed")
	if verb == "removed" {
		means = "Nobody signs in with it any more."
	}
	title = strings.ToUpper(what[:1]) + what[1:] + " " + verb + ": " + n.Project.Name
	named := what
	if n.Provider != "" {
		named += " " + n.Provider
	}
	return title, []string{by + " " + verb + " the " + named + " of the project " + n.Project.Name + " in " + n.Organization.Name + ".", means, providerWarning}
}
