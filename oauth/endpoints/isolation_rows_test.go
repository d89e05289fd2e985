package endpoints_test

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/oauth"
)

// notPresented names the marks of values that never leave the product, or that are no credentials.
var notPresented = map[string]bool{
	"Seal postgres.purposeSigningKey":         true, // at rest
	"Seal postgres.mailPurpose":               true, // at rest
	"Seal postgres.purposeProviderSecret":     true, // at rest
	"Seal postgres.purposeSecondFactor":       true, // at rest
	"Seal postgres.purposeExternalLogin":      true, // at rest
	"Seal postgres.purposeReviewer":           true, // at rest; presented as a challenge's code
	"Seal dashboard.purposeDraft":             true, // a look of the branding editor, proved there
	"Seal dashboard.purposeCursor":            true, // a place in a list of the dashboard, proved there
	"Seal dashboard.purposeCeremony":          true, // of members, who are no project's; proved there
	"Seal dashboard.purposeWaiting":           true, // of members: a form of theirs, bound to the session; proved there
	"Seal dashboard.purposeGitHub":            true, // of members; proved there
	"column public.member_answers.state_hash": true, // of members; what was used
	"key public.billing_events.id":            true, // only Stripe says it, signed
	"key public.billing_invoices.id":          true, // only Stripe says it
	"key public.billing_notices.notice":       true, // a word of ours
	"key public.member_identities.provider":   true, // a word of ours
	"key public.member_identities.subject":    true, // only GitHub says it
	"key public.member_passkeys.rp_id":        true, // a host name
	"Seal dashboard.purposeTest":              true, // an authorization that a member tries, proved there
	"key public.daily_counts.metric":          true, // a word of ours
	"cookie cookieLater":                      true, // says "not now"
	"key public.user_passkeys.rp_id":          true, // a host name
	"Seal web.purposeOnce":                    true, // what a page says once, bound to its path and the session; proved in dashboard
	// Public names.
	"key public.brand_logos.hash": true, "column public.brands.logo_hash": true,
	"key public.client_rules.subject": true, "key public.client_rules.value": true,
	"key public.consents.redirect_host": true, "key public.consents.resource": true, "key public.project_issuers.address": true,
	"key public.grant_usage.tool": true, "key public.scopes.name": true, "key public.tool_groups.scope": true, "key public.tool_groups.tool": true,
	"key public.used_slugs.slug": true, "key public.project_domains.domain": true, "key public.released_domains.domain": true,
}

// credentials is the table of every kind. A new kind of credential is a row here.
func credentials() map[string]credential {
	return map[string]credential{
		"authorization code": {
			marks: []string{"prefix mcpauth_ac_", "MAC oauth.kind.purpose", "column public.grants.random_hash"},
			issue: func(b *browser, a *tenant) issued {
				made := a.approve(b, a.client())
				return issued{value: made.code, good: func() bool { return a.token(made.codeForm()).tokens().access != "" }}
			},
			random: randomAfterPrefix, present: presentGrantToken,
		},
		"refresh token": {
			marks: []string{"prefix mcpauth_rt_"},
			issue: func(b *browser, a *tenant) issued {
				made, held := a.connected(b, a.client())
				return issued{value: held.refresh, good: func() bool { return a.token(made.refreshForm(held.refresh)).tokens().access != "" }}
			},
			random: randomAfterPrefix, present: presentGrantToken,
		},
		"access token": {
			marks: []string{"key public.signing_keys.id"},
			issue: func(b *browser, a *tenant) issued {
				_, held := a.connected(b, a.client())
				return issued{value: held.access, good: func() bool { return a.active(held.access) }}
			},
			random: func(value string) string { return value[:strings.LastIndexByte(value, '.')+1] + randomText(86) }, present: presentGrantToken,
		},
		"client id": {
			marks: []string{"key public.clients.id", "key public.consents.client_id"},
			issue: func(b *browser, a *tenant) issued {
				client := a.client()
				return issued{value: client, good: func() bool { return b.get(a.authorizeURL(a.request(client))).has("#password") }}
			},
			random: randomOfLength, present: presentClientID,
		},
		"client secret": {
			marks: []string{"prefix mcpauth_cs_", "column public.clients.secret_hash"},
			issue: func(_ *browser, a *tenant) issued {
				id, value := a.confidential(oauth.AuthMethodPost)
				return issued{value: value, code: id, good: func() bool {
					return call(a.w.t, a.w.door, http.MethodPost, a.issuer+oauth.PathRevoke, formHeader,
						url.Values{"client_id": {id}, "client_secret": {value}, "token": {"x"}}.Encode()).StatusCode == http.StatusOK
				}}
			},
			random: randomAfterPrefix,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				form := url.Values{"client_id": {with.code}, "client_secret": {value}, "grant_type": {"refresh_token"}, "refresh_token": {"x"}, "token": {"x"}}
				return map[string]*answer{
					"token": at.token(form), "revocation": call(at.w.t, at.w.door, http.MethodPost, at.issuer+oauth.PathRevoke, formHeader, form.Encode()),
				}
			},
		},
		"client assertion": {
			marks: []string{"column public.client_assertions.jti_hash"},
			issue: func(_ *browser, a *tenant) issued {
				h := newHolder(a.w.t, "", "ES256")
				h.id = a.register(`{"client_name":"Signing","redirect_uris":["` + registered + `"],"token_endpoint_auth_method":"private_key_jwt","jwks":` + h.keys(a.w.t) + `}`)
				value := h.assertion(a.w.t, a.issuer, nil)
				return issued{value: value, good: func() bool {
					return a.token(asserted(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, value)).text("error") == "invalid_grant"
				}}
			},
			random: func(value string) string { return value[:strings.LastIndexByte(value, '.')+1] + randomText(86) },
			present: func(at *tenant, _ issued, value string) map[string]*answer {
				form := asserted(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "token": {"x"}}, value)
				return map[string]*answer{
					"token": at.token(form), "revocation": call(at.w.t, at.w.door, http.MethodPost, at.issuer+oauth.PathRevoke, formHeader, form.Encode()),
				}
			},
		},
		"initial access token": {
			marks: []string{"prefix mcpauth_it_", "column public.initial_access_tokens.token_hash"},
			issue: func(_ *browser, a *tenant) issued {
				token := a.initialToken()
				return issued{value: token, good: func() bool { return a.registerAs(token).StatusCode == http.StatusCreated }}
			},
			random: randomAfterPrefix,
			present: func(at *tenant, _ issued, value string) map[string]*answer {
				return map[string]*answer{"registration": at.registerAs(value)}
			},
		},
		"registration access token": {
			marks: []string{"prefix mcpauth_rm_", "column public.clients.registration_token_hash"},
			issue: func(_ *browser, a *tenant) issued {
				m := a.manage("")
				return issued{value: m.rat, code: m.id, good: func() bool { return m.send(http.MethodGet, m.rat, "").StatusCode == http.StatusOK }}
			},
			random: randomAfterPrefix,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				m := managed{tn: at, id: with.code, uri: at.issuer + oauth.PathRegister + "/" + with.code}
				return map[string]*answer{"read": m.send(http.MethodGet, value, ""), "update": m.send(http.MethodPut, value, m.update("")),
					"deletion": m.send(http.MethodDelete, value, ""), "registration": at.registerAs(value)}
			},
		},
		"registration secret": {
			marks: []string{"prefix mcpauth_rs_", "column public.registration_secrets.secret_hash"},
			issue: func(_ *browser, a *tenant) issued {
				return issued{value: a.guard, good: func() bool { return a.introspect(a.guard, "x").StatusCode == http.StatusOK }}
			},
			random: func(value string) string { return value[:len(value)-43] + randomText(43) },
			present: func(at *tenant, _ issued, value string) map[string]*answer {
				return map[string]*answer{
					"introspection": at.introspect(value, "x"), "registration": at.registerAs(value),
					"configuration": call(at.w.t, at.w.door, http.MethodGet, at.issuer+oauth.PathServer, bearer(value), ""),
					"revocations":   call(at.w.t, at.w.door, http.MethodGet, at.issuer+oauth.PathRevocations, bearer(value), ""),
					"calls":         call(at.w.t, at.w.door, http.MethodPost, at.issuer+oauth.PathCalls, jsonHeader(bearer(value)), `{"calls":[]}`),
				}
			},
		},
		"session": {
			marks: []string{"prefix mcpauth_ss_", "cookie cookieSession", "column public.user_sessions.token_hash"},
			issue: func(b *browser, a *tenant) issued {
				query := a.request(a.client())
				a.signedIn(b, query)
				return issued{value: b.cookie(a, "mcpauth_session"), good: func() bool { return b.get(a.authorizeURL(query)).has("button[value=allow]") }}
			},
			random: randomAfterPrefix, present: presentSession,
		},
		"session of the dashboard": {
			marks: []string{"column public.member_sessions.token_hash"},
			issue: func(_ *browser, a *tenant) issued {
				service, id := signin.Service{Keys: a.w.keys}, a.w.owner()
				token, _, err := service.NewSession(a.w.t.Context(), a.w.store.Members(), signin.NewSession{Account: signin.Account{ID: id, Epoch: signin.FirstEpoch}, Lifetime: time.Hour})
				if err != nil {
					a.w.t.Fatal(err)
				}
				return issued{value: token, good: func() bool {
					_, err := service.Session(a.w.t.Context(), a.w.store.Members(), token)
					return err == nil
				}}
			},
			random: randomAfterPrefix, present: presentSession,
		},
		"pre-session": {
			marks: []string{"cookie cookiePreSession"},
			issue: func(b *browser, a *tenant) issued {
				page := b.get(a.authorizeURL(a.request(a.client())))
				return issued{value: b.cookie(a, "mcpauth_browser"), good: func() bool { return a.signIn(b, page).has("button[value=allow]") }}
			},
			random: randomOfLength,
			present: func(at *tenant, _ issued, value string) map[string]*answer {
				page := newBrowser(at.w.t, at.w.door).get(at.authorizeURL(at.request(at.client())))
				thief := newBrowser(at.w.t, at.w.door)
				thief.setCookie(at, "mcpauth_browser", value)
				return map[string]*answer{"sign-in": at.signIn(thief, page)}
			},
		},
		"sealed request": {
			marks: []string{"Seal oauth.purposeRequest"},
			issue: func(b *browser, a *tenant) issued {
				page := b.get(a.authorizeURL(a.request(a.client())))
				_, form := page.form("#password")
				return issued{value: form.Get("request"), browser: b, good: func() bool { return a.signIn(b, page).has("button[value=allow]") }}
			},
			random: randomOfLength,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				b := newBrowser(at.w.t, at.w.door) // with the cookie that the request is bound to
				b.setCookie(at, "mcpauth_browser", with.browser.cookie(at.w.demo, "mcpauth_browser"))
				return presentForm(b, at, url.Values{"request": {value}, "email": {at.user}, "password": {userPassword}})
			},
		},
		"approval": {
			marks: []string{"MAC oauth.purposeApproval"},
			issue: func(b *browser, a *tenant) issued {
				page, elsewhere := a.signedIn(b, a.request(a.client())), newBrowser(a.w.t, a.w.door)
				_, form := page.form("button[value=allow]")
				there := a.w.other.signedIn(elsewhere, a.w.other.request(a.w.other.client()))
				return issued{value: form.Get("approval"), browser: elsewhere, there: there, good: func() bool { return b.submit(page, "button[value=allow]", allow).callback().Has("code") }}
			},
			random: randomOfLength,
			present: func(_ *tenant, with issued, value string) map[string]*answer {
				decision := url.Values{"decision": {"allow"}, "approval": {value}}
				return map[string]*answer{"consent": with.browser.submit(with.there, "button[value=allow]", decision)}
			},
		},
		"token of the account page": {
			marks: []string{"MAC oauth.purposeAccount"},
			issue: func(b *browser, a *tenant) issued {
				page, elsewhere := a.account(b), newBrowser(a.w.t, a.w.door)
				_, form := page.form("[name=token]")
				return issued{value: form.Get("token"), browser: elsewhere, there: a.w.other.account(elsewhere), good: func() bool {
					return b.done(b.submit(page, "[name=session]", nil)).StatusCode == http.StatusOK
				}}
			},
			random: randomOfLength,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				answers := map[string]*answer{}
				for _, path := range []string{"/account/disconnect", "/account/sessions", "/account/password", "/account/delete"} {
					form := url.Values{"token": {value}, "all": {"yes"}, "email": {at.user}, "password": {anotherPassword}}
					answers[path] = with.browser.post(at.issuer+path, form)
				}
				return answers
			},
		},
		"way back from another provider": {
			marks: []string{"Seal endpoints.purposeProvider", "cookie cookieProvider", "prefix mcpauth_upstream_", "column public.upstream_answers.state_hash"},
			issue: func(b *browser, a *tenant) issued {
				p := newPeer(a.w.t)
				came := a.leaveFor(b, a.offer(p, "oidc"), a.request(a.client()))
				a.w.other.offer(p, "oidc")
				state := came.Get("state")
				return issued{value: b.cookie(a, "mcpauth_upstream_"+state), code: state, good: func() bool { return signsIn(b.arrive(p.answer(came))) }}
			},
			random: randomOfLength,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				b := newBrowser(at.w.t, at.w.door)
				b.get(at.authorizeURL(at.request(at.client())))
				b.setCookie(at, "mcpauth_upstream_"+with.code, value)
				query := "?" + url.Values{"state": {with.code}, "code": {"x"}}.Encode()
				return map[string]*answer{"callback": b.get(at.issuer + "/oauth/sign-in/upstream/callback" + query), "done": b.get(at.issuer + "/oauth/sign-in/upstream/done" + query)}
			},
		},
		"secret of an own login": {
			marks: []string{"prefix mcpauth_ol_"},
			issue: func(b *browser, a *tenant) issued {
				site := a.ownSite()
				return issued{value: site.secret, code: a.w.other.ownSite().id, good: func() bool { return signsIn(b.arrive(site.answer(site.leave(b), "ada"))) }}
			},
			random: randomAfterPrefix,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				site := &ownSite{tn: at, id: with.code, secret: value}
				return map[string]*answer{"login": site.say(site.leave(newBrowser(at.w.t, at.w.door)), ownPerson("eve")), "left": site.left(`{"subject":"eve","all":true}`)}
			},
		},
		"request of an own login": {
			marks: []string{"MAC signin.purposeExternalRequest"},
			issue: func(b *browser, a *tenant) issued {
				site := a.ownSite()
				request := site.leave(b)
				return issued{value: request, code: a.w.other.ownSite().secret, good: func() bool { return signsIn(b.arrive(site.answer(request, "ada"))) }}
			},
			random: randomOfLength,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				return map[string]*answer{"login": (&ownSite{tn: at, secret: with.code}).say(value, ownPerson("eve"))}
			},
		},
		"answer of an own login": {
			marks: []string{"column public.own_logins.answer_hash"},
			issue: func(b *browser, a *tenant) issued {
				site := a.ownSite()
				a.w.other.ownSite()
				back := site.answer(site.leave(b), "ada")
				u, err := url.Parse(back)
				if err != nil {
					a.w.t.Fatal(err)
				}
				return issued{value: u.Query().Get("answer"), code: u.Query().Get("state"), good: func() bool { return signsIn(b.arrive(back)) }}
			},
			random: randomOfLength,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				return map[string]*answer{"callback": newBrowser(at.w.t, at.w.door).get(at.issuer + "/oauth/sign-in/own/callback?" + url.Values{"state": {with.code}, "answer": {value}}.Encode())}
			},
		},
		"challenge of a passkey": {
			marks: []string{"Seal endpoints.purposeCeremony"},
			issue: func(b *browser, a *tenant) issued {
				d := a.withPasskeys()
				a.w.other.withPasskeys()
				a.enrolled(d, newBrowser(a.w.t, a.w.door))
				page := a.passkeyPage(b)
				_, form := page.form("button.passkey")
				typed := d.answer(page)
				return issued{value: form.Get("ceremony"), browser: b, code: typed.Get("credential"), good: func() bool {
					return b.submit(page, "button.passkey", typed).has("button[value=allow]")
				}}
			},
			random: randomOfLength,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				b := newBrowser(at.w.t, at.w.door)
				b.setCookie(at, "mcpauth_browser", with.browser.cookie(at.w.demo, "mcpauth_browser"))
				page := at.passkeyPage(b)
				return map[string]*answer{"sign-in": b.submit(page, "button.passkey", url.Values{"ceremony": {value}, "credential": {with.code}})}
			},
		},
		"second step": {
			marks: []string{"Seal endpoints.purposeSecondFactor"},
			issue: func(b *browser, a *tenant) issued {
				shown, _ := a.setUpTwoStep(newBrowser(a.w.t, a.w.door))
				a.w.clock.advance(time.Minute)
				page := a.secondPage(b)
				_, form := page.form("#code")
				code := shown.code(0)
				return issued{value: form.Get("pending"), browser: b, code: code, good: func() bool {
					return b.submit(page, "#code", url.Values{"code": {code}}).has("button[value=allow]")
				}}
			},
			random: randomOfLength,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				b := newBrowser(at.w.t, at.w.door)
				b.setCookie(at, "mcpauth_browser", with.browser.cookie(at.w.demo, "mcpauth_browser"))
				_, form := b.get(at.authorizeURL(at.request(at.client()))).form("#password")
				return map[string]*answer{"second": b.post(at.issuer+"/oauth/sign-in/second", url.Values{"request": form["request"], "pending": {value}, "code": {with.code}})}
			},
		},
		"key of an app before it is used": {
			marks: []string{"Seal endpoints.purposeNewSecondFactor"},
			issue: func(b *browser, a *tenant) issued {
				page := b.submit(a.account(b), "#two-step-on", nil)
				_, form := page.form("#code")
				shown := app{w: a.w, key: strings.ReplaceAll(page.document().Find("#key").Text(), " ", "")}
				there := newBrowser(a.w.t, a.w.door)
				return issued{value: form.Get("key"), code: shown.code(0), browser: there, there: there.submit(a.w.other.account(there), "#two-step-on", nil), good: func() bool {
					return b.done(b.submit(page, "#code", url.Values{"code": {shown.code(0)}})).has(".recovery")
				}}
			},
			random: randomOfLength,
			present: func(at *tenant, with issued, value string) map[string]*answer {
				return map[string]*answer{"two-step": with.browser.submit(with.there, "#code", url.Values{"key": {value}, "code": {with.code}})}
			},
		},
		"recovery code": {
			marks: []string{"column public.user_recovery_codes.code_hash"},
			issue: func(b *browser, a *tenant) issued {
				_, codes := a.setUpTwoStep(newBrowser(a.w.t, a.w.door))
				there := newBrowser(a.w.t, a.w.door)
				a.w.other.setUpTwoStep(newBrowser(a.w.t, a.w.door))
				return issued{value: codes[0], browser: there, there: a.w.other.secondPage(there), good: func() bool {
					return b.submit(a.secondPage(b), "#code", url.Values{"code": {codes[0]}}).has("button[value=allow]")
				}}
			},
			random: func(string) string { return "aaaaa-" + strings.ToLower(randomText(5)) },
			present: func(at *tenant, with issued, value string) map[string]*answer {
				got := with.browser.submit(with.there, "#code", url.Values{"code": {value}})
				at.w.exec(`UPDATE user_second_factors SET failures = 0, failed_at = NULL`) // both count as a wrong try
				return map[string]*answer{"second": got}
			},
		},
		"challenge": {
			marks: []string{"MAC signin.macPurpose", "column public.user_challenges.browser_hash", "column public.user_challenges.password_hash"},
			issue: func(b *browser, a *tenant) issued {
				page := b.submit(a.signUpPage(b, a.client()), "#password", url.Values{"email": {"new@demo.example"}, "password": {"a long enough password"}})
				_, form := page.form("#code")
				code := sixDigits.FindString(a.w.lastMail().Text)
				return issued{value: form.Get("challenge"), browser: b, code: code, good: func() bool {
					return b.submit(page, "#code", url.Values{"code": {code}}).has("button[value=allow]")
				}}
			},
			random: func(string) string { return id.New().String() },
			present: func(at *tenant, with issued, value string) map[string]*answer {
				return presentChallenge(at, with.browser.cookie(at.w.demo, "mcpauth_browser"), with.code, value)
			},
		},
		"challenge of the dashboard": {
			marks: []string{"column public.member_challenges.browser_hash", "column public.member_challenges.password_hash"},
			issue: func(_ *browser, a *tenant) issued {
				w, code := a.w, ""
				service, browser := signin.Service{Keys: w.keys, Passwords: signin.NewPasswords()}, randomText(43)
				id, err := service.BeginSignUp(w.t.Context(), w.store.Members(), signin.SignUp{
					Email: "new@example.com", Password: "a long enough password", Detail: "New", Browser: browser,
				}, func(made string, _ bool) (mail.Message, error) {
					code = made
					return mail.Message{Subject: "Your code", Text: made}, nil
				})
				if err != nil {
					w.t.Fatal(err)
				}
				b := newBrowser(w.t, w.door)
				b.setCookie(a, "mcpauth_browser", browser)
				return issued{value: id.String(), browser: b, code: code, good: func() bool {
					_, err := service.FinishSignUp(w.t.Context(), w.store.Members(), id, code, browser)
					return err == nil
				}}
			},
			random: func(string) string { return id.New().String() },
			present: func(at *tenant, with issued, value string) map[string]*answer {
				return presentChallenge(at, with.browser.cookie(at.w.demo, "mcpauth_browser"), with.code, value)
			},
		},
		"password": { // presented with an address; the account of that name at the other tenant has another one
			marks: []string{"column public.users.password_hash", "column public.members.password_hash"},
			issue: func(b *browser, a *tenant) issued {
				a.addUserWith("both@example.com", "a password of the demo")
				a.w.other.addUserWith("both@example.com", "a password of the other")
				page := b.get(a.authorizeURL(a.request(a.client())))
				return issued{value: "a password of the demo", good: func() bool {
					return b.submit(page, "#password", url.Values{"email": {"both@example.com"}, "password": {"a password of the demo"}}).has("button[value=allow]")
				}}
			},
			random: randomOfLength,
			present: func(at *tenant, _ issued, value string) map[string]*answer {
				b := newBrowser(at.w.t, at.w.door)
				page := b.get(at.authorizeURL(at.request(at.client())))
				return map[string]*answer{"sign-in": b.submit(page, "#password", url.Values{"email": {"both@example.com"}, "password": {value}})}
			},
		},
	}
}

// presentGrantToken shows a token of a grant wherever tokens are read: as code, as refresh token, for revocation and introspection.
func presentGrantToken(at *tenant, _ issued, value string) map[string]*answer {
	a := approval{tn: at, clientID: at.client(), code: value}
	return map[string]*answer{
		"as code": at.token(a.codeForm()), "as refresh token": at.token(a.refreshForm(value)),
		"revocation": at.revoke(a.clientID, value), "introspection": at.introspect(at.guard, value),
	}
}

func presentClientID(at *tenant, _ issued, value string) map[string]*answer {
	a := approval{tn: at, clientID: value, code: "mcpauth_ac_" + randomText(100)}
	return map[string]*answer{
		"authorize": newBrowser(at.w.t, at.w.door).get(at.authorizeURL(at.request(value))), "token": at.token(a.codeForm()),
		"refresh": at.token(a.refreshForm("mcpauth_rt_" + randomText(100))), "revocation": at.revoke(value, "mcpauth_rt_"+randomText(100)),
	}
}

// presentSession shows a session cookie where a flow begins and where it is decided.
func presentSession(at *tenant, _ issued, value string) map[string]*answer {
	b := newBrowser(at.w.t, at.w.door)
	b.setCookie(at, "mcpauth_session", value)
	page := b.get(at.authorizeURL(at.request(at.client())))
	_, form := page.form("[name=request]")
	return map[string]*answer{"authorize": page, "account": b.get(at.issuer + "/account"),
		"consent": b.post(at.issuer+"/oauth/consent", url.Values{"request": form["request"], "decision": {"allow"}, "approval": {randomText(44)}})}
}

// presentForm posts to every page of a flow.
func presentForm(b *browser, at *tenant, form url.Values) map[string]*answer {
	answers := map[string]*answer{}
	for _, path := range []string{"/oauth/consent", "/oauth/sign-in", "/oauth/sign-up", "/oauth/sign-up/code", "/oauth/sign-in/email", "/oauth/sign-in/code", "/oauth/reset", "/oauth/reset/code", "/oauth/sign-in/upstream"} {
		answers[path] = b.post(at.issuer+path, form)
	}
	return answers
}

// presentChallenge answers a challenge with the right code and the right browser.
func presentChallenge(at *tenant, browser, code, value string) map[string]*answer {
	b := newBrowser(at.w.t, at.w.door)
	b.setCookie(at, "mcpauth_browser", browser)
	_, form := b.get(at.authorizeURL(at.request(at.client()))).form("#password")
	return map[string]*answer{"code": b.post(at.issuer+"/oauth/sign-up/code", url.Values{"request": form["request"], "challenge": {value}, "code": {code}})}
}

// signIn fills in the page as the tenant's user.
func (tn *tenant) signIn(b *browser, page *answer) *answer {
	b.t.Helper()
	return b.submit(page, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
}

// cookie reads the browser's cookie of a tenant in path form; name is without the project.
func (b *browser) cookie(tn *tenant, name string) string {
	b.t.Helper()
	u, err := url.Parse(tn.issuer + "/")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, cookie := range b.jar.Cookies(u) {
		if cookie.Name == name+"_"+tn.project.Slug {
			return cookie.Value
		}
	}
	return ""
}

func (b *browser) setCookie(tn *tenant, name, value string) {
	b.t.Helper()
	u, err := url.Parse(tn.issuer + "/")
	if err != nil {
		b.t.Fatal(err)
	}
	b.jar.SetCookies(u, []*http.Cookie{{Name: name + "_" + tn.project.Slug, Value: value, Path: u.Path}})
}

// owner is the member that the world was made with.
func (w *world) owner() id.ID {
	w.t.Helper()
	id, err := id.Parse(value[string](w, `SELECT id::text FROM members ORDER BY id LIMIT 1`))
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (tn *tenant) addUserWith(email, password string) {
	tn.w.t.Helper()
	hash, err := signin.NewPasswords().Hash(tn.w.t.Context(), password)
	if err != nil {
		tn.w.t.Fatal(err)
	}
	if _, err := tn.w.store.EnsureUser(tn.w.t.Context(), tn.project.ID, email, hash); err != nil {
		tn.w.t.Fatal(err)
	}
}

func randomText(n int) string { return strings.Repeat(secret.Token(""), n/43+1)[:n] }

func randomOfLength(value string) string { return randomText(len(value)) }

func randomAfterPrefix(value string) string {
	const prefix = len("mcpauth_xx_")
	return value[:prefix] + randomText(len(value)-prefix)
}
