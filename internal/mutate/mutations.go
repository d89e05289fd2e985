package main

// mutation is one line of the product that, changed like this, has to fail a test.
type mutation struct {
	// number is what the line protects from, as in CONFORMANCE.md.
	number string
	// file is relative to the repository; old occurs in it exactly once.
	file, old, new string
	// pkg is the package whose tests notice, run which of them.
	pkg, run string
}

const (
	doorTests = "./oauth/endpoints"
	goSDK     = "mcpauth.example/sdk/go" // a module of its own
)

// mutations covers every attack with a star and the checks that everything else rests on.
var mutations = []mutation{
	{"14", "internal/postgres/keys.go", `keyKept = "24 hours 10 minutes"`, `keyKept = "20 hours"`, doorTests, "TestRotationRefusesNoUnexpiredToken"},
	{"15", "internal/postgres/keys.go", `keyKnown = "6 minutes"`, `keyKnown = "1 minute"`, doorTests, "TestRotationRefusesNoUnexpiredToken"},
	{"33", "oauth/endpoints/limits.go", `h.limits.Local(rate, name, issuer.ID.String(), web.Source(c)); err != nil`,
		`h.limits.Local(rate, name, issuer.ID.String(), web.Source(c)); err != nil && false`, doorTests, "TestRegistrationFlood"},
	{"34", "internal/web/limits.go", `address.Prefix(64)`, `address.Prefix(128)`, "./internal/web", "TestSource"},
	{"39", "oauth/registration_management.go", `case client.Blocked || !client.managedBy(token):`, `case !client.managedBy(token):`, doorTests, "TestRegistrationManagementRefused"},
	{"44", "oauth/client_metadata.go", `case len(u.Path) < 2:`, `case len(u.Path) < 1:`, "./oauth", "TestClientURL"},
	{"45", "oauth/client_metadata.go", `case named != id:`, `case named == "":`, "./oauth", "TestClientDocument"},
	{"51", "internal/egress/egress.go", `if address.Zone() != "" || c.guardian.Safe(`, `if address.Zone() != "" && c.guardian.Safe(`, "./internal/egress", "TestSpecialAddresses"},
	{"54", "internal/egress/egress.go", `if err := c.check(a, port); err != nil {`, `if err := c.check(addresses[0], port); err != nil {`, "./internal/egress", "TestResolution"},
	{"46", "internal/egress/egress.go", `return http.ErrUseLastResponse`, `return nil`, "./internal/egress", "TestAnswers"},
	{"62", "oauth/approve.go", `Lifetime: issuer.RefreshTTL, Document: documentClient(client),`, `Lifetime: issuer.RefreshTTL, Document: nil,`, doorTests, "TestDocumentClient"},
	{"62", "internal/egress/documents.go", `for d.order.Len() > documentsMax {`, `for d.order.Len() > 10*documentsMax {`, "./internal/egress", "TestDocumentsAreBounded"},
	{"66", "oauth/client_assertion.go", `return audience == issuer.URL ||`, `return audience != nil ||`, doorTests, "TestAssertionsThatProveNothing"},
	{"66", "internal/postgres/clients_assertion.go", `DO NOTHING RETURNING true`, `DO UPDATE SET expires_at = excluded.expires_at RETURNING true`, doorTests, "TestAssertion"},
	{"73", "oauth/redirect.go", `return err == nil && slices.Contains(registered, stored)`, `return err == nil && stored != ""`, doorTests, "TestAuthorize"},
	{"78", "oauth/authorize.go", `case query.Get("code_challenge_method") != "S256":`, `case query.Get("code_challenge_method") == "?":`, doorTests, "TestAuthorizeRedirectErrors"},
	{"79", "oauth/authorize.go", `case !validChallenge(query.Get("code_challenge")):`, `case false:`, doorTests, "TestAuthorizeRedirectErrors"},
	{"95", "oauth/authorize.go", `return secret.Join(issuer.ID[:], []byte(issuer.URL), secret.Hash(preSession))`,
		`return secret.Join(issuer.ID[:], []byte(issuer.URL))`, doorTests, "TestSealedRequestCannotBeCarriedAway|TestCredentialsOfAnotherTenant"},
	{"103", "internal/web/limits_sign_in.go", `signInPerAccountAndSource = Rate{Burst: 20,`, `signInPerAccountAndSource = Rate{Burst: 2000,`, doorTests, "TestPasswordGuessing"},
	{"110", "internal/signin/method_code.go", `return mac != nil && secret.Equal(mac, stored[1:])`, `return mac != nil`, doorTests, "TestEmailCode|TestSignUp$"},
	{"114", "oauth/endpoints/dispatch.go", `host := normalHost(r.Host)`, `host := normalHost(r.Host + r.Header.Get("X-Forwarded-Host"))`, doorTests, "TestHosts|TestEmailLink|TestDiscovery|TestForwarded"},
	{"120", "internal/postgres/identities.go", `if err != nil || !identity.EmailVerified {`, `if err != nil {`, doorTests, "TestUpstream"},
	{"120", "internal/postgres/member_ways.go", `(taken || !out.EmailVerified)`, `!out.EmailVerified`, "./dashboard", "TestSecondPersonAtGitHub"},
	{"122", "internal/postgres/external_logins.go", `i.id = sitting.identity_id AND i.account_id = person.id`, `i.account_id = person.id`, doorTests, "TestOrganizationsOfTheSession"},
	{"123", "internal/postgres/external_logins.go", `func() error { return endLeft(tx, a.project, person) },`, `func() error { return nil },`, doorTests, "TestSiteSaysWhoLeft"},
	{"124", "internal/postgres/accounts.go", `if asked.Way.Method != tenants.SignInExternal {`, `if asked.Way.Method == tenants.SignInExternal {`, doorTests, "TestNothingGoesAroundTheOwnLogin"},
	{"125", "internal/postgres/external_logins.go", `UPDATE own_logins o SET sealed = '', answer_hash = ''`, `UPDATE own_logins o SET sealed = o.sealed`, doorTests, "TestAccountLink"},
	{"126", "internal/signin/method_passkey.go", `RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host},`,
		`RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host, "http://other.localhost:8080"},`, doorTests, "TestPasskey"},
	{"126", "internal/postgres/passkeys.go", `if err := i.useAnswer(tx, challengeHash, signin.PasskeyLifetime); err != nil {`,
		`if err := i.useAnswer(tx, challengeHash, signin.PasskeyLifetime); err != nil && false {`, doorTests, "TestPasskeys"},
	{"128", "internal/signin/method_totp.go", `MaxSecondFailures = 5`, `MaxSecondFailures = 500`, doorTests, "TestTwoStep"},
	{"128", "oauth/endpoints/page_passkey.go", `if !second.Enabled {`, `if second.Enabled {`, doorTests, "TestTwoStep"},
	{"128", "internal/postgres/second_factors.go", `if !ok || step <= f.LastStep {`, `if !ok {`, doorTests, "TestTwoStep"},
	{"141", "oauth/endpoints/page_authorize.go", `	return h.renderConsent(c, f, session)
}`, `	return c.Redirect(http.StatusSeeOther, f.request.Redirect)
}`, doorTests, "TestConsentIsNeverSilent"},
	{"142", "oauth/authorize.go", `return secret.Join(issuer.ID[:], []byte(issuer.URL), secret.Hash(preSession))`,
		`return secret.Join(issuer.ID[:], []byte(issuer.URL))`, doorTests, "TestSealedRequestCannotBeCarriedAway"},
	{"145", "oauth/approve.go", `name == ScopeOfflineAccess || slices.Contains(d.Scopes, name)`, `name != ""`, doorTests, "TestChosenScopes"},
	{"149", "tenants/brand.go", `if _, ok := ParseColour(*colour); !ok {`, `if _, ok := ParseColour(*colour); !ok && len(*colour) > 40 {`, "./tenants", "TestParseBrand"},
	{"152", "tenants/brand.go", `p.strong, p.onStrong = p.edge, inkOn(p.edge)`, `p.strong, p.onStrong = accent, white`, "./tenants", "TestBrandColours"},
	{"258", "internal/signin/method_external.go", `mac := s.Keys.MAC(raw[0], purposeExternalRequest, issuer[:], body)`, `mac := raw[size:]`, doorTests, "TestCredentialsOfAnotherTenant|TestOwnLogin"},
	{"139", "oauth/endpoints/page_consent.go", `if !h.oauth.ValidApproval(`, `if false && !h.oauth.ValidApproval(`, doorTests, "TestConsentCSRF"},
	{"156", "internal/postgres/grants_redeem.go", `revoked_at = CASE WHEN code_redeemed_at IS NOT NULL THEN now() END,`, `revoked_at = NULL,`, doorTests, "TestCodeReplayRevokes"},
	{"157", "internal/postgres/grants_redeem.go", `AND client_id = $5 AND code_challenge = $6
			AND ($7`, `AND client_id = $5 AND ($6 <> '')
			AND ($7`, doorTests, "TestCodeMisuseChangesNothing"},
	{"159", "internal/postgres/grants_redeem.go", `AND issuer = $4 AND client_id = $5 AND code_challenge = $6
			AND ($7`, `AND issuer = $4 AND ($5 <> '') AND code_challenge = $6
			AND ($7`, doorTests, "TestCodeMisuseChangesNothing"},
	{"162", "internal/postgres/grants_redeem.go", `AND (code_redeemed_at IS NOT NULL OR code_expires_at > now())`, `AND true`, doorTests, "TestCode"},
	{"177", "internal/postgres/grants_rotate.go", `THEN NULL ELSE now() END,`, `THEN NULL ELSE NULL END,`, doorTests, "TestRefreshReuseAfterGrace"},
	{"178", "internal/postgres/grants_rotate.go", `generation = CASE WHEN $6 >= generation THEN $6 + 1 ELSE generation END,`,
		`generation = generation + 1,`, doorTests, "TestParallelRefreshes|TestRefreshRotationAndGrace"},
	{"182", "internal/postgres/grants_rotate.go", `random_hash = $3 AND issuer = $4 AND client_id = $5
			AND refreshable AND code_redeemed_at IS NOT NULL AND revoked_at IS NULL AND idle_expires_at > now() AND expires_at > now()
			AND ($10`, `random_hash = $3 AND issuer = $4 AND ($5 <> '')
			AND refreshable AND code_redeemed_at IS NOT NULL AND revoked_at IS NULL AND idle_expires_at > now() AND expires_at > now()
			AND ($10`, doorTests, "TestRefreshMisuseChangesNothing"},
	{"183", "oauth/client_authentication.go", `&& secret.Equal(secret.Hash(presented.secret), c.SecretHash)`, `&& secret.Hash(presented.secret) != nil`, doorTests, "TestConfidentialClient"},
	{"186", "internal/postgres/grants_redeem.go", `AND u.id = grants.user_id AND u.blocked_at IS NULL AND `, `AND u.id = grants.user_id AND `, doorTests, "TestRefreshOfWhatIsOver|TestCodeOfWhatIsOver"},
	{"196", "oauth/introspection.go", `found.GuardServerID == found.ServerID &&`, `!found.ServerID.IsZero() &&`, doorTests, "TestIntrospectionOfOtherTokens"},
	{"199", "oauth/introspection.go", `signed && !issuer.Suspended && found.Living &&`, `signed && !issuer.Suspended &&`, doorTests, "TestRevocation|TestIntrospectionOfOtherTokens"},
	{"199", "internal/postgres/revocations_feed.go", `r.written >= CASE`, `r.written > CASE`, doorTests, "TestRevocationFeedMissesNoLateCommit"},
	{"199", "internal/postgres/grants_rotate.go", `published AS (` + "` + publishEnded(\"$1\", \"reuse\") + `" + `), audited`, `audited`, doorTests, "TestRevocationFeedTellsEveryEnd"},
	{"199", "sdk/go/feed.go", `_, ended := f.revoked[grant]`, `_, ended := f.revoked[grant+"x"]`, goSDK, "TestFeedRefuses"},
	{"199", "sdk/go/feed.go", `return f.connected && now.Sub(f.heard) < feedSilence`, `return f.connected`, goSDK, "TestFeedIsDistrusted"},
	{"211", "sdk/go/verify.go", `if t.Header["typ"] != "at+jwt" || critical {`, `if t.Header["typ"] != "at+jwt" || critical && false {`, goSDK, "TestForgedTokens"},
	{"207", "sdk/go/verify.go", `if t.Header["typ"] != "at+jwt" || critical {`, `if critical {`, goSDK, "TestForgedTokens"},
	{"201", "internal/postgres/grants.go", `WHERE project_id = $1 AND id = $2 AND client_id = $3 AND revoked_at IS NULL`,
		`WHERE project_id = $1 AND id = $2 AND ($3::text <> '') AND revoked_at IS NULL`, doorTests, "TestRevocation"},
	{"200", "oauth/access_token.go", `|| t.Header["typ"] != accessTokenType ||`, `||`, doorTests, "TestIntrospectionOfForgedTokens"},
	{"258", "oauth/authorize.go", `return secret.Join(issuer.ID[:], []byte(issuer.URL), secret.Hash(preSession))`,
		`return secret.Join(secret.Hash(preSession))`, doorTests, "TestCredentialsOfAnotherTenant"},
	{"A15", "oauth/redirect.go", `params.Set("iss", r.Issuer)`, `_ = r.Issuer`, doorTests, "TestFullFlow|TestDeny"},
	{"265", "internal/postgres/tenants_domains.go", `released_at > now() - make_interval(secs => @cooldown))`, `released_at > now())`, "./dashboard", "TestDomains"},
	{"265", "internal/postgres/tenants_domains.go", `func() error { return endGrants(tx, project, reasonDomain, `, `func() error { return endGrants(tx, project, reasonDomain, ` + "`false AND `+", "./dashboard", "TestDomains"},
	{"216", "dashboard/request.go", `if !p.access.allows(v.membership.Role) {`, `if false {`, "./dashboard", "TestRoutes"},
	{"216", "dashboard/request.go", `if v.project, err = d.Projects.Open(v.ctx(), v.actor(), organization, id); err != nil {`,
		`if v.project, err = d.Projects.Open(v.ctx(), v.actor(), organization, id); err != nil && false {`, "./dashboard", "TestRoutes"},
	{"228", "dashboard/page_confirm.go", `Target: v.Request().URL.RequestURI()`, `Target: pathDashboard`, "./dashboard", "Confirm|Codes"},
	{"238", "tenants/billing/events.go", `if webhook.ValidatePayloadWithTolerance(payload, signature, key, signatureTolerance) == nil {`, `if webhook.ValidatePayloadWithTolerance(payload, signature, key, signatureTolerance) == nil || signature != "" {`, "./api", "TestSignatures"},
	{"239", "tenants/billing/billing.go", `if len(s) < minSecret {`, `if len(s) < 0 {`, "./api", "TestSecrets"},
	{"240", "tenants/billing/events.go", `time.Unix(seconds, 0).After(s.Now().Add(signatureTolerance))`, `seconds < 0`, "./api", "TestSignatures"},
	{"241", "api/stripe.go", `http.MaxBytesReader(w, r.Body, billing.MaxEvent)`, `r.Body`, "./api", "TestLargeBody"},
	{"242", "internal/postgres/billing.go", `if result.Error == nil && result.RowsAffected == 0 {`, `if result.Error == nil && result.RowsAffected < 0 {`, "./api", "TestOneEventManyTimes|TestForeignEvents"},
	{"243", "internal/postgres/billing.go", `if row.Answered > question.Number {`, `if row.Answered < 0 {`, "./tenants/billing", "TestOvertakenAnswer"},
	{"244", "tenants/billing/events.go", `if raw.Livemode != s.Live || raw.Account != "" {`, `if raw.Livemode != s.Live && raw.Account != "" {`, "./api", "TestForeignEvents"},
	{"245", "tenants/billing/event_invoice.go", `if invoice.Customer == account.Customer {`, `if invoice.Customer != "" {`, "./api", "TestSpoofedTenant"},
	{"229", "internal/postgres/tenants_team.go", `AS suspended FROM organizations WHERE id = ? FOR NO KEY UPDATE`, `AS suspended FROM organizations WHERE id = ?`, "./internal/postgres", "TestSuspensionAndAdditionsTakeTurns"},
	{"P5", "oauth/resource.go", `strings.TrimSuffix(u.EscapedPath(), "/")`, `u.EscapedPath()`, "./oauth/...", "Resource|TestAuthorize|TestFullFlow|TestScope"},
}
