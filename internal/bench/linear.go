package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
	"golang.org/x/sync/errgroup"

	"mcpauth.example/internal/devdb"
)

const (
	// linearClients share each grant, as agents on one machine share a token store.
	linearClients = 20
	// linearEach is how many operations a client does on a grant, in rounds that begin together.
	linearEach = 5
	// linearGrants are under way at once.
	linearGrants = 4
	// linearKills is how often a node is killed and started again.
	linearKills = 6
	// linearLimit is how long the search for an order of one grant's operations may take.
	linearLimit = 30 * time.Second
)

// grantAction is what a client does with a grant.
type grantAction int

const (
	actRefresh grantAction = iota
	actIntrospect
	actRevoke
)

// grantInput and grantOutput are one operation as its client sees it. Refresh tokens are told apart by their generation.
type grantInput struct {
	action     grantAction
	generation int
}

type grantOutput struct {
	lost bool // no answer: it may have happened or not
	good bool // refreshed, or active
}

// grantModelState is a grant as it should be: the living generation, and whether it was revoked.
type grantModelState struct {
	generation int
	revoked    bool
}

// grantModel is rotation with grace, as one row that does one thing after the other. Histories are shorter than the grace.
var grantModel = porcupine.NondeterministicModel{
	Init: func() []any { return []any{grantModelState{generation: 1}} },
	Step: func(state, input, output any) []any {
		before, in, out := state.(grantModelState), input.(grantInput), output.(grantOutput) //nolint:errcheck,forcetypeassert // ours
		after, good := before.do(in)
		switch {
		case out.lost:
			return []any{before, after}
		case out.good == good:
			return []any{after}
		default:
			return nil
		}
	},
}

func (s grantModelState) do(in grantInput) (after grantModelState, good bool) {
	switch {
	case in.action == actRevoke:
		return grantModelState{s.generation, true}, true
	case in.action == actIntrospect || s.revoked:
		return s, !s.revoked
	case in.generation == s.generation:
		return grantModelState{s.generation + 1, false}, true
	case in.generation == s.generation-1: // forgiven: the same successor again
		return s, true
	default: // reused: the whole lineage ends
		return grantModelState{s.generation, true}, false
	}
}

// lineage is one grant under test.
type lineage struct {
	access string

	mu       sync.Mutex
	tokens   map[int]string // refresh tokens by generation
	history  []porcupine.Operation
	lost     int
	problems []string
}

// measureLinearity lets many clients share grants through two nodes that are killed in between, and looks for an order of the operations
// that explains every answer. It returns an error when there is none.
func measureLinearity(ctx context.Context, o options, out, progress io.Writer) error {
	_, _ = fmt.Fprintln(progress, "bench: starting PostgreSQL and two nodes")
	dir, err := os.MkdirTemp("", "mcpauth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	database, err := devdb.Start(ctx, devdb.Options{DataDir: o.dataDir, Durable: true, Reset: true})
	if err != nil {
		return err
	}
	defer func() { _ = database.Stop() }()
	p, t, err := startPair(ctx, o, database, dir)
	defer p.stop()
	if err != nil {
		return err
	}
	grants := max(1, o.linear/(linearClients*linearEach))
	lineages := make([]*lineage, grants)
	var done atomic.Int64
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(linearGrants)
	killed := make(chan error, 1)
	stopKills := make(chan struct{})
	go func() { killed <- p.killNodes(ctx, &done, grants, stopKills) }()
	for i := range grants {
		work.Go(func() error {
			l, err := newLineage(workCtx, t)
			if err != nil {
				return err
			}
			lineages[i] = l
			l.run(workCtx, t)
			done.Add(1)
			return nil
		})
	}
	err = work.Wait()
	close(stopKills)
	if err := errors.Join(err, <-killed); err != nil {
		return err
	}
	return judgeLineages(lineages, out)
}

// judgeLineages prints what was found.
func judgeLineages(lineages []*lineage, out io.Writer) error {
	operations, lost, revoked := 0, 0, 0
	var violations []string
	for i, l := range lineages {
		operations += linearClients * linearEach
		lost += l.lost
		if slices.ContainsFunc(l.history, func(op porcupine.Operation) bool {
			answer := op.Output.(grantOutput) //nolint:errcheck,forcetypeassert // ours
			return !answer.lost && !answer.good
		}) {
			revoked++
		}
		for _, problem := range l.problems {
			violations = append(violations, fmt.Sprintf("grant %d: %s", i, problem))
		}
		if len(violations) > 0 { // one is enough, and a search that finds nothing takes long
			continue
		}
		switch porcupine.CheckOperationsTimeout(grantModel.ToModel(), l.history, linearLimit) {
		case porcupine.Ok:
		case porcupine.Illegal:
			violations = append(violations, fmt.Sprintf("grant %d: no order explains its %d operations", i, len(l.history)))
		default:
			violations = append(violations, fmt.Sprintf("grant %d: not decided within %s", i, linearLimit))
		}
	}
	_, _ = fmt.Fprintf(out, "%d operations on %d grants by %d clients each, %d answers lost, %d grants refused on the way, violations: %d\n",
		operations, len(lineages), linearClients, lost, revoked, len(violations))
	if len(violations) > 0 {
		return fmt.Errorf("not linearizable: %s", violations[0])
	}
	return nil
}

// killNodes kills the nodes in turn, spread over the run, and starts each again at once.
func (p *pair) killNodes(ctx context.Context, done *atomic.Int64, grants int, stop <-chan struct{}) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for kill := range linearKills {
		for done.Load() < int64((kill+1)*grants/(linearKills+1)) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-stop:
				return nil
			case <-tick.C:
			}
		}
		node := p.nodes[kill%len(p.nodes)]
		_ = node.child.cmd.Process.Kill()
		<-node.child.done
		if err := node.start(ctx, p.binary, p.dir, p.envs[kill%len(p.nodes)], p.listens[kill%len(p.nodes)]); err != nil {
			return err
		}
	}
	return nil
}

// newLineage connects once; a node may be gone at that moment, so it tries again.
func newLineage(ctx context.Context, t *target) (*lineage, error) {
	for limit := time.Now().Add(refusalLimit); ; {
		codes, err := t.codes(ctx, 1)
		if err != nil {
			return nil, err
		}
		link, err := t.dial(ctx)
		if err == nil {
			answer, redeemed := t.redeem(link, codes[0])
			link.close()
			if err = redeemed; err == nil {
				return &lineage{access: answer.AccessToken, tokens: map[int]string{1: answer.RefreshToken}}, nil
			}
		}
		if ctx.Err() != nil || time.Now().After(limit) {
			return nil, err
		}
	}
}

// run lets every client do its operations. In each round all begin with the newest token that the shared store had.
func (l *lineage) run(ctx context.Context, t *target) {
	began := time.Now()
	for range linearEach {
		shared := l.newest()
		var round sync.WaitGroup
		for client := range linearClients {
			round.Go(func() { l.operate(ctx, t, client, shared, began) })
		}
		round.Wait()
	}
	l.history, l.lost = withoutIdleLosses(l.history, time.Since(began).Nanoseconds())
}

// withoutIdleLosses lets lost operations happen at any time until the end, and leaves out those that could add nothing: the search would
// try every subset of them. Of refreshes with one generation the first to happen can advance the grant, another can end it, and no
// further one changes anything; the two that were sent first may happen whenever any other may. Of revocations one is enough, and what
// a lost introspection saw nobody knows.
func withoutIdleLosses(history []porcupine.Operation, end int64) (kept []porcupine.Operation, lost int) {
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	met := map[grantInput]int{}
	for _, op := range history {
		in, answer := op.Input.(grantInput), op.Output.(grantOutput) //nolint:errcheck,forcetypeassert // ours
		if !answer.lost {
			kept = append(kept, op)
			continue
		}
		lost++
		if in.action != actRefresh {
			in.generation = 0
		}
		met[in]++
		if in.action == actRefresh && met[in] <= 2 || in.action == actRevoke && met[in] == 1 {
			op.Return = end
			kept = append(kept, op)
		}
	}
	return kept, lost
}

func (l *lineage) newest() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tokens)
}

// operate does one operation: mostly a refresh with the shared token, sometimes with one that came since or with an old one.
func (l *lineage) operate(ctx context.Context, t *target, client, shared int, began time.Time) {
	in := grantInput{action: actRefresh, generation: shared}
	switch dice := rand.IntN(1000); { //nolint:gosec,forbidigo // a load, not a secret
	case dice < 3:
		in.action = actRevoke
	case dice < 300:
		in.action = actIntrospect
	case dice < 330:
		in.generation = l.newest()
	case dice < 340:
		in.generation = max(1, shared-2)
	}
	call := time.Since(began).Nanoseconds()
	answer, next := l.ask(ctx, t, in)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history = append(l.history, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: answer, Return: time.Since(began).Nanoseconds()})
	if next == "" {
		return
	}
	if known, met := l.tokens[in.generation+1]; met && known != next {
		l.problems = append(l.problems, fmt.Sprintf("two successors of generation %d", in.generation))
	}
	l.tokens[in.generation+1] = next
}

// ask sends the operation once, over a connection of its own, so that the nodes take turns.
func (l *lineage) ask(ctx context.Context, t *target, in grantInput) (answer grantOutput, next string) {
	l.mu.Lock()
	token := l.tokens[in.generation]
	l.mu.Unlock()
	link, err := t.dial(ctx)
	if err != nil {
		return grantOutput{lost: true}, ""
	}
	defer link.close()
	var got reply
	switch in.action {
	case actIntrospect:
		got, err = link.form(t.prefix+"/api/oauth/introspect", url.Values{"token": {l.access}}, "Authorization", "Bearer "+t.secret)
	case actRevoke:
		got, err = link.form(t.prefix+"/api/oauth/revoke", url.Values{"token": {token}, "client_id": {t.clientID}})
	default:
		got, err = link.form(t.prefix+"/api/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {t.clientID}})
	}
	var body struct {
		Active  bool   `json:"active"`
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
	}
	if err == nil && len(got.body) > 0 {
		err = json.Unmarshal(got.body, &body)
	}
	switch {
	case err != nil: // the node was killed; one that lives has to answer
		return grantOutput{lost: true}, ""
	case got.status == http.StatusOK && in.action == actIntrospect:
		return grantOutput{good: body.Active}, ""
	case got.status == http.StatusOK:
		return grantOutput{good: true}, body.Refresh
	case got.status == http.StatusBadRequest && body.Error == "invalid_grant" && in.action == actRefresh:
		return grantOutput{}, ""
	default:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.problems = append(l.problems, got.unexpected("200 or invalid_grant").Error())
		return grantOutput{lost: true}, ""
	}
}
