package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// workload is one kind of request under load.
type workload struct {
	name string
	// goal is the most processor seconds per 1,000 operations that server and PostgreSQL together should use, on two processors of 2026.
	goal float64
	// goalRatio is the same as a multiple of the floor, which holds on any machine.
	goalRatio float64
	// prepare makes, outside of the measured time, what the operations need, and returns the operation. window is the measured time.
	prepare func(ctx context.Context, t *target, workers []*worker, window time.Duration) (operation, error)
}

// workloads is the list, in the order of the report.
func workloads() []workload {
	return []workload{
		{"discovery", 0.03, 1.8, document(func(t *target) expected { return t.metadata })},
		{"jwks", 0.03, 1.9, document(func(t *target) expected { return t.jwks })},
		{"register", 0.5, 2.6, register(true)},
		{"register_same", 0.5, 2.6, register(false)},
		{"full_flow", 2, 3, fullFlow},
		{"token_code", 1, 2.8, tokenCode},
		{"refresh", 1, 2.9, refresh},
		{"introspect", 0.3, 2.8, introspect},
	}
}

func workloadNames() []string {
	var names []string
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

// expected is a constant document and where it is.
type expected struct {
	path string
	body []byte
}

func document(of func(*target) expected) func(context.Context, *target, []*worker, time.Duration) (operation, error) {
	return func(_ context.Context, t *target, _ []*worker, _ time.Duration) (operation, error) {
		want := of(t)
		return func(w *worker) error {
			got, err := w.link.get(want.path)
			if err == nil && (got.status != http.StatusOK || !bytes.Equal(got.body, want.body)) {
				err = got.unexpected("the document")
			}
			return err
		}, nil
	}
}

// registrations numbers the clients of one run, so that no two distinct registrations are alike.
var registrations atomic.Int64

const registerPath = "/api/oauth/register"

// registration is what a native MCP client sends.
const registration = `{"client_name":"Bench %s","redirect_uris":["http://127.0.0.1:33418/callback","https://client.example/callback"],` +
	`"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none",` +
	`"client_uri":"https://client.example","scope":"mcp:tools"}`

func register(distinct bool) func(context.Context, *target, []*worker, time.Duration) (operation, error) {
	return func(_ context.Context, t *target, _ []*worker, _ time.Duration) (operation, error) {
		path := t.prefix + registerPath
		return func(w *worker) error {
			name := "again"
			if distinct {
				name = fmt.Sprintf("%08d", registrations.Add(1))
			}
			_, err := registerClient(w.link, path, fmt.Sprintf(registration, name))
			return err
		}, nil
	}
}

func registerClient(l *link, path, body string) (string, error) {
	got, err := l.post(path, body)
	if err != nil {
		return "", err
	}
	var answer struct {
		ClientID string `json:"client_id"`
	}
	if got.status != http.StatusCreated || json.Unmarshal(got.body, &answer) != nil || answer.ClientID == "" {
		return "", got.unexpected("201 with a client_id")
	}
	return answer.ClientID, nil
}

// introspectedTokens is how many access tokens one round of introspection asks about at most, each for the first time and then again.
const introspectedTokens = 2000

func tokenCode(ctx context.Context, t *target, _ []*worker, window time.Duration) (operation, error) {
	codes, err := t.codes(ctx, max(100, int(window.Seconds()*t.codesPerSecond)))
	if err != nil {
		return nil, err
	}
	var next atomic.Int64
	return func(w *worker) error {
		at := int(next.Add(1)) - 1
		if at >= len(codes) {
			return errUsedUp
		}
		_, err := t.redeem(w.link, codes[at])
		return err
	}, nil
}

// refresh walks one lineage per worker.
func refresh(ctx context.Context, t *target, workers []*worker, _ time.Duration) (operation, error) {
	codes, err := t.codes(ctx, len(workers))
	if err != nil {
		return nil, err
	}
	for i, w := range workers {
		answer, err := t.redeem(w.link, codes[i])
		if err != nil {
			return nil, err
		}
		w.refresh = answer.RefreshToken
	}
	return func(w *worker) error {
		answer, err := t.token(w.link, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {w.refresh}, "client_id": {t.clientID}})
		if err != nil {
			return err
		}
		if answer.RefreshToken == w.refresh {
			return errors.New("expected the next refresh token, got the same one")
		}
		w.refresh = answer.RefreshToken
		return nil
	}, nil
}

// introspect asks about tokens that were issued beforehand.
func introspect(ctx context.Context, t *target, _ []*worker, window time.Duration) (operation, error) {
	tokens, err := t.tokens(ctx, prepared(introspectedTokens, window))
	if err != nil {
		return nil, err
	}
	var next atomic.Int64
	path := t.prefix + "/api/oauth/introspect"
	return func(w *worker) error {
		token := tokens[int(next.Add(1))%len(tokens)]
		got, err := w.link.form(path, url.Values{"token": {token}}, "Authorization", "Bearer "+t.secret)
		if err == nil && (got.status != http.StatusOK || !bytes.Contains(got.body, []byte(`"active":true`))) {
			err = got.unexpected("an active token")
		}
		return err
	}, nil
}
