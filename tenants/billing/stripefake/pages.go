package stripefake

import (
	"html/template"
	"net/http"
	"strconv"
	"time"
)

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}} · stand-in for Stripe</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1.25rem}button,a.b{font:inherit;padding:.5rem 1rem;margin:.25rem .25rem .25rem 0;display:inline-block}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #8884}.note{border-left:4px solid #86f;padding-left:.75rem}</style>
</head><body><main><p class="note">This page stands in for Stripe. No money moves.</p><h1>{{.Title}}</h1>{{with .Alert}}<p role="alert">{{.}}</p>{{end}}
{{if .Facts}}<table>{{range .Facts}}<tr><th scope="row">{{index . 0}}</th><td>{{index . 1}}</td></tr>{{end}}</table>{{end}}
{{range .Actions}}<form method="post" action="{{.Path}}"><button name="act" value="{{.Value}}">{{.Label}}</button></form>{{end}}
{{with .Back}}<p><a class="b" href="{{.}}">Back to mcpauth</a></p>{{end}}</main></body></html>`))

type action struct{ Path, Value, Label string }

type view struct {
	Title, Alert, Back string
	Facts              [][2]string
	Actions            []action
}

func render(w http.ResponseWriter, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = page.Execute(w, v)
}

// addPages adds the pages on which people pay, manage what they pay for, and move the clock.
func (f *Fake) addPages(mux *http.ServeMux) {
	same := http.NewCrossOriginProtection()
	mux.HandleFunc("GET /checkout/{id}", func(w http.ResponseWriter, r *http.Request) { f.checkoutPage(w, r.PathValue("id"), "") })
	mux.Handle("POST /checkout/{id}", same.Handler(http.HandlerFunc(f.checkoutPaid)))
	mux.HandleFunc("GET /portal/{id}", f.portalPage)
	mux.Handle("POST /portal/{id}", same.Handler(http.HandlerFunc(f.portalAct)))
	mux.HandleFunc("GET /invoice/{id}", f.invoicePage)
	mux.HandleFunc("GET /{$}", f.clockPage)
	mux.Handle("POST /clock", same.Handler(http.HandlerFunc(f.moveClock)))
}

func (f *Fake) checkoutPage(w http.ResponseWriter, id, alert string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[id]
	if s == nil {
		http.Error(w, "no such checkout", http.StatusNotFound)
		return
	}
	v := view{Title: "Checkout", Alert: alert, Back: s.cancel}
	for _, p := range s.prices {
		v.Facts = append(v.Facts, [2]string{f.prices[p].key, "$" + strconv.FormatFloat(f.prices[p].amount/100, 'f', -1, 64)})
	}
	if s.trialDays > 0 {
		v.Facts = append(v.Facts, [2]string{"Trial", strconv.Itoa(s.trialDays) + " days"})
	}
	if !s.done && !s.expired {
		v.Actions = []action{{"/checkout/" + id, "pay", "Pay with a card that works"}, {"/checkout/" + id, "decline", "Pay with a card that is declined"}}
	}
	render(w, v)
}

func (f *Fake) checkoutPaid(w http.ResponseWriter, r *http.Request) {
	back, err := f.Pay(r.PathValue("id"), r.FormValue("act") == "decline")
	if err != nil {
		f.checkoutPage(w, r.PathValue("id"), err.Error())
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (f *Fake) portalPage(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.portals[r.PathValue("id")]
	if p == nil {
		http.Error(w, "no such session", http.StatusNotFound)
		return
	}
	path := "/portal/" + p.id
	v := view{Title: "Billing of " + f.customers[p.customer].name, Back: p.back, Actions: []action{{path, "good card", "Use a card that works"}, {path, "bad card", "Use a card that is declined"}}}
	for _, s := range f.of(p.customer) {
		v.Facts = append(v.Facts, [2]string{f.basePrice(s).key, s.status + " until " + s.end.Format(time.DateOnly)})
		switch {
		case !p.settings.cancel:
		case s.active() && s.cancelAtEnd:
			v.Actions = append(v.Actions, action{path, "keep", "Keep the plan"})
		case s.active():
			v.Actions = append(v.Actions, action{path, "cancel", "Cancel at the end of the period"})
		}
	}
	render(w, v)
}

func (f *Fake) portalAct(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.portals[r.PathValue("id")]
	if p == nil {
		http.Error(w, "no such session", http.StatusNotFound)
		return
	}
	switch act := r.FormValue("act"); act {
	case "good card", "bad card":
		f.setCard(p.customer, act == "bad card")
	case "cancel", "keep":
		f.cancel(p.customer, false, act == "keep")
	}
	http.Redirect(w, r, "/portal/"+p.id, http.StatusSeeOther)
}

func (f *Fake) invoicePage(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.invoices[r.PathValue("id")]
	if i == nil {
		http.Error(w, "no such invoice", http.StatusNotFound)
		return
	}
	render(w, view{Title: "Invoice FAKE-" + strconv.Itoa(i.number), Facts: [][2]string{{"Status", i.status}, {"For", i.lines[0]}, {"Total", "$" + strconv.FormatFloat(float64(i.total)/100, 'f', 2, 64)}}})
}

// days are how far the clock can be moved at once.
var days = []int{1, 7, 14, 31, 366}

func (f *Fake) clockPage(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := view{Title: "Clock", Facts: [][2]string{{"Time at Stripe", f.time().Format(time.RFC1123)}}}
	for _, id := range sorted(f.subscriptions) {
		s := f.subscriptions[id]
		v.Facts = append(v.Facts, [2]string{f.customers[s.customer].name, f.basePrice(s).key + ", " + s.status + " until " + s.end.Format(time.DateOnly)})
	}
	for _, d := range days {
		v.Actions = append(v.Actions, action{"/clock", strconv.Itoa(d), "Move " + strconv.Itoa(d) + " days on"})
	}
	render(w, v)
}

func (f *Fake) moveClock(w http.ResponseWriter, r *http.Request) {
	if d, err := strconv.Atoi(r.FormValue("act")); err == nil && d > 0 && d <= 366 {
		f.Advance(time.Duration(d) * 24 * time.Hour)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
