package main

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"github.com/mcpauth/mcpauth/internal/mail/catcher"
	"github.com/mcpauth/mcpauth/internal/web"
	"github.com/mcpauth/mcpauth/templates"
)

// withCaughtMail adds the page that shows caught mail.
func withCaughtMail(root http.Handler, caught *catcher.Catcher) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", root)
	mux.HandleFunc("GET /dev/mail", func(w http.ResponseWriter, r *http.Request) {
		var page templates.MailPage
		for _, m := range caught.Messages() {
			page.Mails = append(page.Mails, templates.CaughtMail{ID: m.ID, From: m.From, To: m.To, Subject: m.Subject, Text: m.Text, At: m.At})
		}
		slices.SortStableFunc(page.Mails, func(a, b templates.CaughtMail) int { return b.At.Compare(a.At) })
		w.Header().Set("Content-Security-Policy", web.PolicyDashboard)
		w.Header().Set("Cache-Control", "no-store")
		templ.Handler(templates.Mail(page)).ServeHTTP(w, r)
	})
	return mux
}
