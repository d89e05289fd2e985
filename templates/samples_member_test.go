package templates_test

import (
	"time"

	. "mcpauth.example/templates"
)

// memberSamples are the pages about the signed-in member.
func memberSamples() []sample {
	confirm := ConfirmPage{Shell: shell("Confirm that it is you", ""), Action: "/dashboard/confirm", Act: "remove a member", Waiting: "sealed",
		HasPassword: true, BackHref: "/dashboard"}
	mailed, touched := confirm, confirm
	mailed.HasPassword = false
	touched.HasPassword, touched.Passkey = false, &PasskeyForm{Action: "/dashboard/confirm", Label: "Confirm with a passkey", Options: "{}", Ceremony: "ceremony"}
	coded := confirm
	coded.HasPassword, coded.Challenge, coded.Code = false, "challenge", Field{Error: "That is not the code. Use the newest e-mail."}
	account := MemberAccountPage{Shell: shell("Your account", ""), Email: "grace@acme.example", HasPassword: true, PasswordAction: "/dashboard/account/password", SessionsAction: "/dashboard/account/sessions",
		DeleteAction: "/dashboard/account/delete", PasswordMin: 8, InvitationsHref: "/dashboard/invitations", DeleteError: "Leave or delete your organizations first.",
		Organizations: []Place{{Name: "Acme", Href: "/dashboard"}},
		Sessions:      []MemberSession{{ID: "s1", Agent: "Firefox on Linux", Since: now, Current: true}, {ID: "s2", Agent: "", Since: now.Add(-40 * 24 * time.Hour)}}}
	passkey := PasskeyForm{Action: "/dashboard/account/passkeys", Label: "Add a passkey", Options: "{}", Ceremony: "ceremony", New: true}
	account.NewPasskey, account.Passkeys = &passkey, []PasskeyLine{{ID: "k1", Agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", Since: now, LastUsed: now}}
	elsewhere := mailed
	elsewhere.Passkey, elsewhere.NoAddress, elsewhere.GitHubHref = nil, true, "/dashboard/sign-in/github"
	nameless := account
	nameless.Email, nameless.NoAddress = "grace@acme.example at GitHub", true
	return []sample{
		{"member-confirm-github", dashboard, ConfirmIdentity(elsewhere)},
		{"member-account-no-address", dashboard, MemberAccount(nameless)},
		{"member-confirm", dashboard, ConfirmIdentity(confirm)},
		{"member-confirm-mail", dashboard, ConfirmIdentity(mailed)},
		{"member-confirm-passkey", dashboard, ConfirmIdentity(touched)},
		{"member-confirm-code", dashboard, ConfirmIdentity(coded)},
		{"member-account", dashboard, MemberAccount(account)},
		{"member-account-new", dashboard, MemberAccount(MemberAccountPage{Shell: shell("Your account", ""), Email: "new@acme.example", PasswordAction: "/p", SessionsAction: "/s", DeleteAction: "/d", PasswordMin: 8})},
	}
}
