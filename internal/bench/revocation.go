package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"mcpauth.example/internal/devdb"
	"mcpauth.example/internal/secret"
	"mcpauth.example/sdk/go"
)

// guardCommand makes this program a guarded server; bench starts itself with it.
const guardCommand = "guarded-server"

const (
	guards = 2
	// revocationPace is the pause between two revocations, so that a node's restart falls among many of them.
	revocationPace = 20 * time.Millisecond
	// refusalLimit is when a guard that still lets a revoked token through counts as an error.
	refusalLimit = 30 * time.Second
)

// runGuard serves behind a guard with its default settings. The registration secret comes in; the address goes out.
func runGuard(ctx context.Context, in io.Reader, out io.Writer) error {
	given, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return err
	}
	guard, err := mcpauth.New(mcpauth.Config{RegistrationSecret: given, DisableCallReports: true})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))}
	go func() {
		<-ctx.Done()
		guard.Close(context.WithoutCancel(ctx))
		_ = server.Close()
	}()
	_, _ = fmt.Fprintln(out, listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// pair is two nodes of the product behind one address, on one database.
type pair struct {
	product *product // the first node, and what was seeded
	binary  string
	dir     string
	nodes   []*product
	listens []string
	envs    [][]string
	front   net.Listener
	next    atomic.Uint64
}

// measureRevocations prints how long after a revocation was asked for each of two guards refused the token.
func measureRevocations(ctx context.Context, o options, out, progress io.Writer) error {
	_, _ = fmt.Fprintln(progress, "bench: starting PostgreSQL, two nodes and two guarded servers")
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
	var servers []string
	for range guards {
		address, stop, err := startGuard(p.product.secret)
		if err != nil {
			return err
		}
		defer stop()
		servers = append(servers, address)
	}
	tokens, err := t.tokens(ctx, o.revocations)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(progress, "bench: revoking %d grants\n", len(tokens))
	delays, err := revokeAll(ctx, p, t, servers, tokens, progress)
	if err != nil {
		return err
	}
	for i, of := range delays {
		slices.Sort(of)
		_, _ = fmt.Fprintf(out, "guard %d: %d revocations, refused after p50 %s, p90 %s, p99 %s, at most %s\n", i+1, len(of),
			percentile(of, 50).Round(time.Millisecond/10), percentile(of, 90).Round(time.Millisecond/10), percentile(of, 99).Round(time.Millisecond), of[len(of)-1].Round(time.Millisecond))
	}
	return nil
}

// revokeAll revokes one grant after the other while a node is restarted, and asks every guard until it refuses.
func revokeAll(ctx context.Context, p *pair, t *target, servers, tokens []string, progress io.Writer) ([][]time.Duration, error) {
	delays := make([][]time.Duration, len(servers))
	client := &http.Client{Timeout: answerLimit, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	for _, token := range tokens { // each guard meets each grant, as in use
		for _, server := range servers {
			if status, err := ask(ctx, client, server, token); err != nil || status != http.StatusNoContent {
				return nil, fmt.Errorf("a good token: %d, %w", status, err)
			}
		}
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(256)
	tick := time.NewTicker(revocationPace)
	defer tick.Stop()
	for i, token := range tokens {
		if i == len(tokens)/2 {
			group.Go(func() error {
				began := time.Now()
				err := p.restart(ctx)
				_, _ = fmt.Fprintf(progress, "bench: a node was restarted within %s\n", time.Since(began).Round(time.Millisecond))
				return err
			})
		}
		select {
		case <-ctx.Done():
			return nil, group.Wait()
		case <-tick.C:
		}
		group.Go(func() error {
			began := time.Now()
			if err := revoke(ctx, client, t, token); err != nil {
				return err
			}
			for at, server := range servers {
				delay, err := untilRefused(ctx, client, server, token, began)
				if err != nil {
					return err
				}
				mu.Lock()
				delays[at] = append(delays[at], delay)
				mu.Unlock()
			}
			return nil
		})
	}
	return delays, group.Wait()
}

// revoke asks until a node answers: one of them may be going down.
func revoke(ctx context.Context, client *http.Client, t *target, token string) error {
	form := url.Values{"client_id": {t.clientID}, "token": {token}}.Encode()
	for limit := time.Now().Add(refusalLimit); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.address+t.prefix+"/api/oauth/revoke", strings.NewReader(form)) //nolint:gosec // our own address
		if err != nil {
			return err
		}
		request.Host = t.host
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(request) //nolint:gosec // as above
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if ctx.Err() != nil || time.Now().After(limit) {
			return errors.Join(err, errors.New("a revocation was not answered"))
		}
	}
}

// untilRefused returns how long after a moment a guard answered 401. A guard that cannot check at the moment lets nothing through either.
func untilRefused(ctx context.Context, client *http.Client, server, token string, began time.Time) (time.Duration, error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := ask(ctx, client, server, token)
		delay := time.Since(began)
		switch {
		case err == nil && status != http.StatusNoContent:
			return delay, nil
		case err != nil:
			return 0, err
		case delay > refusalLimit:
			return 0, errors.New("a revoked token is not refused")
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
	}
}

func ask(ctx context.Context, client *http.Client, server, token string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+server+"/mcp", http.NoBody)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	_ = answer.Body.Close()
	return answer.StatusCode, nil
}

// startPair starts two nodes and what stands before them.
func startPair(ctx context.Context, o options, database *devdb.Server, dir string) (*pair, *target, error) {
	p := &pair{dir: dir}
	var err error
	if p.binary, err = buildProduct(ctx, o, dir); err != nil {
		return p, nil, err
	}
	if p.front, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return p, nil, err
	}
	_, port, err := net.SplitHostPort(p.front.Addr().String())
	if err != nil {
		return p, nil, err
	}
	ring := strings.TrimSpace(secret.NewKeyringText())
	keys, err := secret.ParseKeyring(ring)
	if err != nil {
		return p, nil, err
	}
	for range 2 {
		listen, err := freePort()
		if err != nil {
			return p, nil, err
		}
		node, env := &product{base: "http://localhost:" + port}, environment(o, "http://localhost:"+port, "127.0.0.1:"+listen, ring, database)
		p.nodes, p.listens, p.envs = append(p.nodes, node), append(p.listens, "127.0.0.1:"+listen), append(p.envs, env)
		if err := node.run(ctx, p.binary, dir, env, database, "127.0.0.1:"+listen); err != nil {
			return p, nil, err
		}
	}
	go p.forward()
	p.product = p.nodes[0]
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := p.product.seed(ctx, o.workers, keys, log, database); err != nil {
		return p, nil, fmt.Errorf("seed: %w", err)
	}
	t, err := p.product.target(ctx, p.front.Addr().String())
	return p, t, err
}

// forward gives each connection to one of the nodes that take it, in turn, as a load balancer would.
func (p *pair) forward() {
	for {
		conn, err := p.front.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			first := p.next.Add(1)
			for try := range uint64(len(p.listens)) {
				node, err := net.Dial("tcp", p.listens[(first+try)%uint64(len(p.listens))])
				if err != nil {
					continue
				}
				go func() {
					_, _ = io.Copy(node, conn)
					_ = node.Close()
				}()
				_, _ = io.Copy(conn, node)
				return
			}
		}()
	}
}

// restart ends the first node as a deployment would, and starts it again.
func (p *pair) restart(ctx context.Context) error {
	first := p.nodes[0]
	first.child.stop()
	return first.start(ctx, p.binary, p.dir, p.envs[0], p.listens[0])
}

func (p *pair) stop() {
	if p.front != nil {
		_ = p.front.Close()
	}
	for _, node := range p.nodes {
		node.stop()
	}
}

// startGuard starts a guarded server in a process of its own and returns its address.
func startGuard(registrationSecret string) (address string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	c, err := startChild(program, []string{guardCommand}, nil, func(cmd *exec.Cmd) {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(registrationSecret+"\n"), write, os.Stderr
	})
	_ = write.Close()
	if err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		c.stop()
		return "", nil, fmt.Errorf("the guarded server did not start: %w", err)
	}
	return strings.TrimSpace(line), c.stop, nil
}
