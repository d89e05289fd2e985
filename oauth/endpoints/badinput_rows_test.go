package endpoints_test

import (
	"maps"
	"net/http"
	"net/url"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

// goodRequest is one request that an endpoint accepts, from which the bad ones are made.
type goodRequest struct {
	status  int // of the good request
	page    bool
	browser *browser
	header  http.Header
	json    string     // body, or
	params  url.Values // parameters of the form, or of the query when inQuery
	inQuery bool
	client  string         // in the path
	missing map[string]int // status when a parameter is absent: what is not listed is optional
	// header that is needed, and the status without it
	authorization int
}

// badInputRows has a row for every endpoint, by method and path.
func badInputRows(w *world) map[string]goodRequest {
	tn := w.demo
	client := tn.client()
	seat := newBrowser(w.t, w.door)
	redeemable, rest := tn.approve(seat, client), tn.approve(seat, client)
	held := tn.token(rest.codeForm()).tokens()
	rows := map[string]goodRequest{}
	for _, path := range []string{oauth.PathMetadata, oauth.PathJWKS} {
		for _, key := range []string{"GET " + path, "HEAD " + path, "GET " + path + "/"} {
			rows[key] = goodRequest{status: 200, browser: seat, inQuery: true}
		}
	}
	rows["GET "+oauth.PathServer] = goodRequest{status: 200, browser: seat, inQuery: true, header: bearer(tn.guard), authorization: 401}
	rows["GET "+oauth.PathRevocations] = goodRequest{status: 200, browser: seat, inQuery: true, header: bearer(tn.guard), authorization: 401, params: url.Values{"wait": {"0"}, "cursor": {"x"}}}
	rows["POST "+oauth.PathCalls] = goodRequest{status: 204, browser: seat, header: jsonHeader(bearer(tn.guard)), authorization: 401,
		json: `{"calls":[{"sid":"` + id.New().String() + `","tool":"Bad Input","outcome":"refused","reason":"bad-input","count":2}]}`}
	rows["POST "+oauth.PathRegister] = goodRequest{status: 201, browser: seat, header: http.Header{"Content-Type": {"application/json"}},
		json: `{"client_name":"Bad Input","redirect_uris":["https://client.example/bad-input"],"scope":"mcp:tools"}`}
	for method, status := range map[string]int{http.MethodGet: 200, http.MethodPut: 200, http.MethodDelete: 204} {
		m := tn.manage("")
		row := goodRequest{status: status, browser: seat, inQuery: true, client: m.id, authorization: 401, header: http.Header{"Authorization": {"Bearer " + m.rat}}}
		if method == http.MethodPut {
			row.inQuery, row.json = false, `{"client_id":"`+m.id+`","client_name":"Bad Input","redirect_uris":["https://client.example/bad-input"]}`
			row.header.Set("Content-Type", "application/json")
		}
		rows[method+" "+oauth.PathClient] = row
	}
	rows["GET "+oauth.PathAuthorize] = goodRequest{status: 200, page: true, browser: seat, inQuery: true, params: tn.request(client),
		missing: map[string]int{"client_id": 400, "redirect_uri": 400, "response_type": 303, "code_challenge": 303, "code_challenge_method": 303}}
	rows["POST "+oauth.PathToken] = goodRequest{status: 200, browser: seat, header: formHeader, params: redeemable.codeForm(),
		missing: map[string]int{"grant_type": 400, "client_id": 401, "code": 400, "code_verifier": 400}}
	rows["POST "+oauth.PathIntrospect] = goodRequest{status: 200, browser: seat, header: bearer(tn.guard), params: url.Values{"token": {held.access}},
		missing: map[string]int{"token": 400}, authorization: 401}
	rows["POST "+oauth.PathRevoke] = goodRequest{status: 200, browser: seat, header: formHeader, params: url.Values{"client_id": {client}, "token": {held.refresh}},
		missing: map[string]int{"client_id": 401, "token": 400}}
	maps.Copy(rows, badInputPages(w, client))
	return rows
}

func badInputPages(w *world, client string) map[string]goodRequest {
	tn := w.demo
	posted := http.Header{"Content-Type": formHeader["Content-Type"], "Sec-Fetch-Site": {"same-origin"}}
	page := func(b *browser, from *answer, selector string, typed url.Values, missing map[string]int) goodRequest {
		_, fields := from.form(selector)
		maps.Copy(fields, typed)
		return goodRequest{status: 200, page: true, browser: b, header: posted, params: fields, missing: missing}
	}
	seats := make([]*browser, 11)
	for i := range seats {
		seats[i] = newBrowser(w.t, w.door)
	}
	signIn, signUp, code, consent, email, emailed, reset, forgot := seats[0], seats[1], seats[2], seats[3], seats[4], seats[5], seats[6], seats[7]
	leads := func(r goodRequest) goodRequest {
		r.status = 303
		return r
	}
	typed := func(email, password string) url.Values { return url.Values{"email": {email}, "password": {password}} }
	codePage := code.submit(tn.signUpPage(code, client), "#password", typed("bad@demo.example", "a long enough password"))
	digits := sixDigits.FindString(w.lastMail().Text)
	emailedPage := emailed.submit(emailed.get(tn.authorizeURL(tn.request(client))), "#way-email-code", url.Values{"email": {tn.user}})
	emailedDigits := sixDigits.FindString(w.lastMail().Text)
	resetPage := func(b *browser) *answer {
		return b.submit(b.get(tn.authorizeURL(tn.request(client))), `form[action$="/oauth/reset"] button`, nil)
	}
	tn.addUser("forgot@demo.example") // whose sessions end
	forgotPage := forgot.submit(resetPage(forgot), "#email", url.Values{"email": {"forgot@demo.example"}})
	forgotDigits := sixDigits.FindString(w.lastMail().Text)
	p := newPeer(w.t)
	provider := tn.offer(p, "oidc")
	way := "#way-provider-" + provider.String()
	gone, back, done := newBrowser(w.t, w.door), newBrowser(w.t, w.door), newBrowser(w.t, w.door)
	came := tn.leaveFor(back, provider, tn.request(client))
	answered, err := url.Parse(p.answer(came))
	if err != nil {
		w.t.Fatal(err)
	}
	arrived := done.get(p.answer(tn.leaveFor(done, provider, tn.request(client))))
	arrivedAt, err := url.Parse(arrived.location())
	if err != nil {
		w.t.Fatal(err)
	}
	second, passkeys, offered := seats[8], seats[9], seats[10]
	d, two := tn.withPasskeys(), *tn
	two.user = "two-step@demo.example"
	tn.addUser(two.user)
	shown, _ := two.setUpTwoStep(newBrowser(w.t, w.door))
	w.exec(`UPDATE user_second_factors SET last_step = 0`)
	secondPage := two.secondPage(second)
	two.user = "keys@demo.example"
	tn.addUser(two.user)
	two.enrolled(d, newBrowser(w.t, w.door))
	passkeyPage := tn.passkeyPage(passkeys)
	two.user = "offered@demo.example"
	tn.addUser(two.user)
	offer := two.signIn(offered, tn.passkeyPage(offered))
	own := func(status int, user string, fields url.Values, missing map[string]int) goodRequest {
		tn.addUser(user) // each loses their session
		person, seat := tn.at(tn.issuer), newBrowser(w.t, w.door)
		person.user = user
		missing["token"] = 403
		row := page(seat, person.account(seat), "[name=session]", fields, missing)
		row.status = status
		return row
	}
	site, gone2, back2 := tn.ownSite(), newBrowser(w.t, w.door), newBrowser(w.t, w.door)
	tn.withPasskeys() // all ways are on
	ownBack, err := url.Parse(site.answer(site.leave(back2), "grace"))
	if err != nil {
		w.t.Fatal(err)
	}
	entry := site.accountLink("grace")
	two.user = "more@demo.example"
	tn.addUser(two.user)
	more, moreBy := newBrowser(w.t, w.door), two.at(tn.issuer)
	offered2 := moreBy.signIn(more, more.get(tn.authorizeURL(tn.request(client, "scope", "mcp:tools"))))
	wants := tn.request(client, "scope", "mcp:tools")
	left := more.submit(more.submit(offered2, "#later", nil), "button[value=allow]", allow)
	moreBy.token(approval{tn: moreBy, clientID: wants.Get("client_id"), code: left.callback().Get("code")}.codeForm())
	wanted := url.Values{"client": {client}, "server": {tn.server.Resource}, "scope": {"notes:write"}}
	asked := tn.signIn(consent, tn.passkeyPage(consent))
	allowMore := page(more, more.get(tn.issuer+"/account/allow?"+wanted.Encode()), "button[value=allow]", allow, map[string]int{"token": 403, "client": 404, "server": 404, "decision": 400})
	allowMore.status = 303
	return map[string]goodRequest{
		"GET /account":                         {status: 200, page: true, browser: consent, inQuery: true},
		"POST /account/disconnect":             own(303, "one@demo.example", url.Values{"client": {client}, "server": {tn.server.Resource}}, map[string]int{"client": 400, "server": 400}),
		"POST /account/sessions":               own(303, "two@demo.example", nil, map[string]int{"session": 400}),
		"POST /account/password":               own(303, "three@demo.example", url.Values{"password": {"another long password"}}, map[string]int{"password": 422}),
		"GET /account/done":                    {status: 303, page: true, browser: email, inQuery: true},
		"POST /account/delete":                 own(303, "four@demo.example", url.Values{"email": {"four@demo.example"}}, map[string]int{"email": 422}),
		"GET /account/allow":                   {status: 200, page: true, browser: more, inQuery: true, params: wanted, missing: map[string]int{"client": 404, "server": 404}},
		"POST /account/allow":                  allowMore,
		"GET /account/enter":                   {status: 200, page: true, browser: email, inQuery: true, params: entry, missing: map[string]int{"state": 400, "answer": 400}},
		"POST /account/enter":                  leads(page(newBrowser(w.t, w.door), newBrowser(w.t, w.door).get(tn.issuer+"/account/enter?"+site.accountLink("hopper").Encode()), "[name=answer]", nil, map[string]int{"state": 400, "answer": 400})),
		"POST /account/two-step":               own(200, "five@demo.example", url.Values{}, map[string]int{}),
		"POST /account/passkeys":               own(303, "six@demo.example", url.Values{"remove": {"AAAA"}}, map[string]int{"remove": 422}),
		"POST /oauth/sign-in/second":           page(second, secondPage, "#code", url.Values{"code": {shown.code(0)}}, map[string]int{"request": 400, "pending": 403, "code": 422}),
		"POST /oauth/sign-in/passkey":          page(passkeys, passkeyPage, "button.passkey", d.answer(passkeyPage), map[string]int{"request": 400, "ceremony": 401, "credential": 401}),
		"POST /oauth/passkey":                  page(offered, offer, "button.passkey", newDevice(tn).create(offer), map[string]int{"request": 400, "ceremony": 422, "credential": 200}),
		"POST /oauth/sign-in/upstream":         page(gone, gone.get(tn.authorizeURL(tn.request(client))), way, nil, map[string]int{"request": 400, "provider": 403}),
		"GET /oauth/sign-in/upstream/callback": {status: 303, page: true, browser: back, inQuery: true, params: answered.Query(), missing: map[string]int{"state": 400}},
		"GET /oauth/sign-in/upstream/done":     {status: 200, page: true, browser: done, inQuery: true, params: arrivedAt.Query(), missing: map[string]int{"state": 400}},
		"POST /oauth/sign-in/own":              page(gone2, gone2.get(tn.authorizeURL(tn.request(client))), "#way-provider-"+site.id, nil, map[string]int{"request": 400, "provider": 403}),
		"GET /oauth/sign-in/own/callback":      {status: 303, page: true, browser: back2, inQuery: true, params: ownBack.Query(), missing: map[string]int{"state": 400, "answer": 400}},
		"POST /api/oauth/login": {status: 200, browser: email, header: jsonHeader(bearer(site.secret)), authorization: 401,
			json: `{"request":"` + site.leave(newBrowser(w.t, w.door)) + `","subject":"bad-input","name":"Bad Input","email":"bad-input@demo.example"}`},
		"POST /api/oauth/login/left": {status: 200, browser: email, header: jsonHeader(bearer(site.secret)), authorization: 401,
			json: `{"subject":"bad-input","organization":"Bad Input"}`},
		"GET /oauth/brand/:file": {status: 404, page: true, browser: email, inQuery: true},
		"GET /oauth/sign-in/link": {status: 200, page: true, browser: email, inQuery: true,
			params: url.Values{"challenge": {id.New().String()}, "code": {"123456"}}, missing: map[string]int{"challenge": 400, "code": 400}},
		"POST /oauth/sign-in/email": page(email, email.get(tn.authorizeURL(tn.request(client))), "#way-email-code", url.Values{"email": {"input@demo.example"}},
			map[string]int{"request": 400, "email": 422}),
		"POST /oauth/sign-in/code": page(emailed, emailedPage, "#code", url.Values{"code": {emailedDigits}}, map[string]int{"request": 400, "challenge": 422, "code": 422}),
		"POST /oauth/reset":        page(reset, resetPage(reset), "#email", typed(tn.user, ""), map[string]int{"request": 400, "email": 200}),
		"POST /oauth/reset/code": page(forgot, forgotPage, "#code", url.Values{"code": {forgotDigits}, "password": {"another long password"}},
			map[string]int{"request": 400, "challenge": 422, "code": 422, "password": 422}),
		"POST /oauth/sign-in": page(signIn, signIn.get(tn.authorizeURL(tn.request(client))), "#password", typed(tn.user, userPassword),
			map[string]int{"request": 400, "email": 200, "password": 422}), // without an address: the empty form
		"POST /oauth/sign-up": page(signUp, tn.signUpPage(signUp, client), "#password", typed("input@demo.example", "a long enough password"),
			map[string]int{"request": 400, "email": 200, "password": 422}),
		"POST /oauth/sign-up/code": page(code, codePage, "#code", url.Values{"code": {digits}}, map[string]int{"request": 400, "challenge": 422, "code": 422}),
		"POST /oauth/consent": page(consent, consent.submit(asked, "#later", nil), "button[value=allow]", allow,
			map[string]int{"request": 400, "approval": 403, "decision": 400}),
	}
}
