package web

import (
	"context"
	"strings"
	"time"
)

// Limits of proving who one is. A person behind an address may mistype for a while; whoever guesses from many addresses is slowed down
// by the account's own limit, which is wide enough that a stranger cannot easily use it up for its owner (catalogue 103).
var (
	signInPerAccountAndSource = Rate{Burst: 20, Every: signInPause}
	signInPerAccount          = Rate{Burst: 200, Every: signInPause}
	signInPerSource           = Rate{Burst: 120, Every: signInPause / 20}
	mailPerSource             = Rate{Burst: 30, Every: 4 * signInPause}
	mailPerRealm              = Rate{Burst: 600, Every: signInPause / 10}
	codePerSource             = Rate{Burst: 120, Every: signInPause / 20}
)

const signInPause = 20 * time.Second

// SignIn counts an attempt to sign in with a password. A realm is one set of accounts. Whether the account exists makes no difference.
func (l *Limits) SignIn(ctx context.Context, realm, account, source string) error {
	account = strings.ToLower(strings.TrimSpace(account))
	if err := l.Local(signInPerSource, "sign-in", realm, source); err != nil {
		return err
	}
	if err := l.Shared(ctx, signInPerAccountAndSource, "sign-in", realm, account, source); err != nil {
		return err
	}
	return l.Shared(ctx, signInPerAccount, "sign-in", realm, account)
}

// Mail counts a message that a stranger causes. How many one address gets is the store's business.
func (l *Limits) Mail(ctx context.Context, realm, source string) error {
	if err := l.Shared(ctx, mailPerSource, "mail", realm, source); err != nil {
		return err
	}
	return l.Shared(ctx, mailPerRealm, "mail", realm)
}

// Code counts an attempt to enter a code. How often one code may be tried is the store's business.
func (l *Limits) Code(realm, source string) error {
	return l.Local(codePerSource, "code", realm, source)
}
