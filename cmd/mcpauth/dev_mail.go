package main

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"mcpauth.example/internal/mail/catcher"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
)

// withLocalPages adds the page that shows caught mail, and the one that plays a customer's own login.
func withLocalPages(root http.Handler, caught *catcher.Catcher, simulator *ownSimulator) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", root)
	if simulator != nil {
		protected := http.NewCrossOriginProtection()
		mux.HandleFunc("GET "+devLoginPath, simulator.page)
		mux.Handle("POST "+devLoginPath, protected.Handler(http.HandlerFunc(simulator.handOver)))
	}
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
