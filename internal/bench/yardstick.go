package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/bench/floor"
	"mcpauth.example/internal/devdb"
)

// floorCommand makes this program the floor server; bench starts itself with it.
const floorCommand = "floor-server"

// floorDatabase is the floor's own database on the same PostgreSQL.
const floorDatabase = "mcpauth_bench_floor"

// yardstick is the running floor server.
type yardstick struct {
	child  *child
	tables *floor.Tables
}

// startFloor asks the product server for one answer of each kind and starts a floor that answers alike.
func startFloor(ctx context.Context, database *devdb.Server, product *target) (*yardstick, *target, error) {
	if err := makeDatabase(ctx, database); err != nil {
		return nil, nil, err
	}
	y := &yardstick{}
	var err error
	if y.tables, err = floor.NewTables(ctx, database.OwnerURL(floorDatabase), product.secret); err != nil {
		return y, nil, err
	}
	y.tables.ClientID, y.tables.RedirectURI, y.tables.Challenge = product.clientID, redirectURI, challenge
	y.tables.Resource, y.tables.Scopes = resourceURL, strings.Fields(flowScopes)
	if err := y.tables.AddClient(ctx); err != nil {
		return y, nil, err
	}
	config, tokenLength, err := capture(ctx, product)
	if err != nil {
		return y, nil, fmt.Errorf("capture the product's answers: %w", err)
	}
	config.DatabaseURL = database.OwnerURL(floorDatabase)
	address, err := y.run(config)
	if err != nil {
		return y, nil, err
	}
	t := *product
	t.name, t.address, t.pid, t.codesPerSecond = nameFloor, address, y.child.cmd.Process.Pid, 6000
	t.codes = y.tables.Codes
	t.tokens = func(ctx context.Context, count int) ([]string, error) {
		return y.tables.Tokens(ctx, count, tokenLength)
	}
	return y, &t, nil
}

func makeDatabase(ctx context.Context, database *devdb.Server) error {
	conn, err := pgx.Connect(ctx, database.SuperuserURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return devdb.EnsureDatabase(ctx, conn, floorDatabase)
}

// run starts this program again as the floor server and returns its address.
func (y *yardstick) run(config floor.Config) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	var in io.WriteCloser
	var out io.ReadCloser
	y.child, err = startChild(program, []string{floorCommand}, nil, func(c *exec.Cmd) {
		in, _ = c.StdinPipe()   // fails only on a command that has one
		out, _ = c.StdoutPipe() // as above
		c.Stderr = os.Stderr
	})
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(in).Encode(config); err != nil {
		return "", err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	return strings.TrimSpace(address), err
}

// capture lets the product answer once to everything.
func capture(ctx context.Context, product *target) (floor.Config, int, error) {
	l, err := product.dial(ctx)
	if err != nil {
		return floor.Config{}, 0, err
	}
	w := &worker{link: l}
	defer func() { w.link.close() }()
	c := floor.Config{Prefix: product.prefix, MetadataPath: product.metadata.path, Issuer: "http://" + product.host + product.prefix, Username: "user00@example.com"}
	metadata, err1 := l.get(product.metadata.path)
	jwks, err2 := l.get(product.jwks.path)
	registered, err3 := l.post(product.prefix+registerPath, fmt.Sprintf(registration, "capture"))
	var seen pages
	_, err4 := product.approve(w, nil) // once before, so that the page sets no cookie
	code, err5 := product.approve(w, &seen)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return c, 0, err
	}
	answer, err := product.redeem(l, code)
	if err != nil {
		return c, 0, err
	}
	introspected, err := l.send("POST", product.prefix+"/api/oauth/introspect", "application/x-www-form-urlencoded", "token="+answer.AccessToken,
		[]string{"Authorization", "Bearer " + product.secret})
	if err != nil {
		return c, 0, err
	}
	c.Metadata, c.JWKS = floor.Answer{Header: constant(metadata), Body: metadata.body}, floor.Answer{Header: constant(jwks), Body: jwks.body}
	c.Register, c.Introspect = constant(registered), constant(introspected)
	c.Token = c.Introspect // the same: JSON that is not to be stored
	c.RequestSize = len(seen.request)
	c.Consent.Header, c.Leave.Header = constant(seen.consent), constant(seen.leave)
	if c.Consent.Parts, err = split(seen.consent.body, seen.request); err != nil {
		return c, 0, err
	}
	c.Leave.Parts, err = split(seen.leave.body, seen.code)
	return c, len(answer.AccessToken), err
}

// constant leaves out the headers that are made for each answer.
func constant(r reply) http.Header {
	header := r.header.Clone()
	for _, name := range []string{"Date", "Content-Length", "Transfer-Encoding", "Connection", "Set-Cookie"} {
		header.Del(name)
	}
	return header
}

// stop ends the server and closes what belongs to it. It may be called on what startFloor returned with an error.
func (y *yardstick) stop(ctx context.Context) {
	if y == nil {
		return
	}
	if y.child != nil {
		y.child.stop()
	}
	if y.tables != nil {
		y.tables.Close(ctx)
	}
}
