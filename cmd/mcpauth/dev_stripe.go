package main

import (
	"context"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"mcpauth.example/api"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/web"
	"mcpauth.example/tenants/billing/stripefake"
)

// standIn plays Stripe for local work: its API, its pages and its webhook deliveries. It forgets everything when it ends.
type standIn struct {
	fake   *stripefake.Fake
	url    string
	secret string // of the webhook
	group  *errgroup.Group
}

// startStripe serves and delivers until the context ends.
func startStripe(ctx context.Context, address, base string) (*standIn, error) {
	listener, url, err := listenLocal(address, "--stripe-listen")
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	s := &standIn{fake: stripefake.New(url, time.Now), url: url, secret: "whsec_" + secret.Encode(secret.Bytes(24)), group: group}
	group.Go(func() error { return web.Serve(ctx, listener, s.fake.Handler()) })
	group.Go(func() error { return s.fake.Deliver(ctx, base+api.PathStripe, s.secret) })
	return s, nil
}

// sell gives the stand-in the table of plans, and forgets who paid at an earlier one.
func (s *standIn) sell(ctx context.Context, a *app) error {
	if err := a.store.ForgetCustomers(ctx); err != nil {
		return err
	}
	return syncStripe(ctx, io.Discard, a.billing.Stripe, false)
}
