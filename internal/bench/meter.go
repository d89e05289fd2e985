package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"mcpauth.example/internal/devdb"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// meteredProjects is how many production projects people are spread over; one more, for trying out, must not be counted.
const meteredProjects = 3

// metered is one project under load, with what the load program saw.
type metered struct {
	*target
	project tenants.Project
	people  []postgres.Seeded

	mu   sync.Mutex
	held []string        // refresh tokens, by person
	seen map[string]bool // whose access token came with a 200 in this month, by `sub`
}

// measureMeter lets people get and renew tokens through two nodes over a month boundary, counts from the answers who got one, and compares it
// with the meter: the same people, not only as many. Then it measures what the meter costs.
func measureMeter(ctx context.Context, o options, out, progress io.Writer) error {
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
	p, first, err := startPair(ctx, o, database, dir)
	defer p.stop()
	if err != nil {
		return err
	}
	organization, projects, err := p.meteredProjects(ctx, first, o.meter)
	if err != nil {
		return err
	}
	// The month that ends: two thirds of the people come, some of them often, and some only with codes that are refused.
	_, _ = fmt.Fprintf(progress, "bench: %d people in %d projects\n", o.meter, len(projects))
	began := time.Now()
	answers, err := p.month(ctx, projects, 0, 2)
	if err != nil {
		return err
	}
	before := make([]map[string]bool, len(projects))
	for i, project := range projects {
		before[i], project.seen = project.seen, map[string]bool{}
	}
	if err := endMonth(ctx, database, projects); err != nil {
		return err
	}
	// The month after: of those who are connected every second one comes again, and the last third is new.
	more, err := p.month(ctx, projects, 2, 3)
	if err != nil {
		return err
	}
	month := tenants.MonthOf(time.Now())
	for i, project := range projects {
		for at, want := range map[time.Time]map[string]bool{month: project.seen, month.AddDate(0, -1, 0): before[i]} {
			if !project.project.Production {
				want = map[string]bool{}
			}
			if err := compare(ctx, p.product.store, organization, project.project.Slug, at, want, out); err != nil {
				return err
			}
		}
	}
	_, _ = fmt.Fprintf(out, "%d answers with a token through two nodes in %.0f s, and the meter counted exactly who got one\n", answers+more, time.Since(began).Seconds())
	p.stop()
	if o.rounds == 0 {
		return nil
	}
	return measureMeterCost(ctx, o, database, dir, out, progress)
}

// meteredProjects makes the projects, each with a client and its share of the people.
func (p *pair) meteredProjects(ctx context.Context, first *target, people int) (organization id.ID, out []*metered, err error) {
	_, organization, err = p.product.store.EnsureMember(ctx, "member@example.com", "-", "Bench")
	if err != nil {
		return organization, nil, err
	}
	template, err := tenants.ParseIssuerTemplate(p.product.base + "/t/{project}")
	if err != nil {
		return organization, nil, err
	}
	all := tenants.Projects{Store: p.product.store, Primary: template}
	for i := range meteredProjects + 1 {
		project, _, _, err := all.Create(ctx, tenants.SystemActor, organization, fmt.Sprintf("Meter %d", i), resourceURL)
		if err != nil {
			return organization, nil, err
		}
		project.Production = i < meteredProjects
		if err := p.product.store.SetProduction(ctx, tenants.SystemActor, organization, project.ID, project.Production, tenants.Limit{Max: tenants.Unlimited}); err != nil {
			return organization, nil, err
		}
		issuer, err := url.Parse(project.Issuer)
		if err != nil {
			return organization, nil, err
		}
		m := &metered{target: &target{name: nameReal, address: first.address, host: issuer.Host, prefix: issuer.Path}, project: project, seen: map[string]bool{}}
		l, err := m.dial(ctx)
		if err != nil {
			return organization, nil, err
		}
		m.clientID, err = registerClient(l, m.prefix+registerPath, fmt.Sprintf(registration, "client"))
		l.close()
		if err != nil {
			return organization, nil, err
		}
		if m.people, err = p.product.store.SeedPeople(ctx, project.ID, people/(meteredProjects+1)); err != nil {
			return organization, nil, err
		}
		m.held = make([]string, len(m.people))
		out = append(out, m)
	}
	return organization, out, nil
}

// month lets the people from one third to another come, and who came before come again. It returns how many answers had a token.
func (p *pair) month(ctx context.Context, projects []*metered, from, to int) (answers int, err error) {
	group, groupCtx := errgroup.WithContext(ctx)
	counts := make([]int, len(projects)*2)
	for i, m := range projects {
		issuer, err := postgres.NewIssuers(p.product.store, time.Now, slog.New(slog.DiscardHandler)).Resolve(ctx, tenants.Address(m.project.Issuer))
		if err != nil {
			return 0, err
		}
		client, err := p.product.store.FindClient(ctx, m.project.ID, m.clientID)
		if err != nil {
			return 0, err
		}
		for half := range 2 {
			group.Go(func() error {
				l, err := m.dial(groupCtx)
				if err != nil {
					return err
				}
				defer l.close()
				for person := half; person < len(m.people) && groupCtx.Err() == nil; person += 2 {
					n, err := p.come(groupCtx, m, l, issuer, client, person, from, to)
					if err != nil {
						return err
					}
					counts[2*i+half] += n
				}
				return groupCtx.Err()
			})
		}
	}
	err = group.Wait()
	for _, n := range counts {
		answers += n
	}
	return answers, err
}

// come is what one person's client does in a month. Every eleventh only ever sends a code with another verifier, which is refused.
func (p *pair) come(ctx context.Context, m *metered, l *link, issuer *oauth.Issuer, client oauth.Client, person, from, to int) (answers int, err error) {
	third := person * 3 / len(m.people)
	if third >= to || third < from && person%2 == 1 {
		return 0, nil
	}
	if m.held[person] == "" {
		someone := m.people[person]
		location, err := p.product.oauth.Approve(ctx, issuer, &oauth.Request{FlowID: id.New(), Random: secret.Bytes(16), ClientID: client.ID, Redirect: redirectURI, State: flowState,
			Scopes: strings.Fields(flowScopes), ServerID: issuer.Resources[0].ID, Challenge: challenge}, client, someone.Session, someone.User, oauth.Decision{})
		if err != nil {
			return 0, err
		}
		u, err := url.Parse(location)
		if err != nil {
			return 0, err
		}
		code := u.Query().Get("code")
		if person%11 == 0 {
			got, err := l.form(m.prefix+"/api/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {strings.Repeat("x", 43)}, "redirect_uri": {redirectURI}, "client_id": {m.clientID}, "resource": {resourceURL}})
			if err == nil && got.status != 400 {
				err = got.unexpected("400 for another verifier")
			}
			return 0, err
		}
		answer, err := m.redeem(l, code)
		if err != nil {
			return 0, err
		}
		m.note(person, answer)
		answers++
	}
	for range person % 3 {
		if err := m.renew(l, person); err != nil {
			return answers, err
		}
		answers++
	}
	if third < from && person%3 == 0 { // at least once
		if err := m.renew(l, person); err != nil {
			return answers, err
		}
		answers++
	}
	return answers, nil
}

func (m *metered) renew(l *link, person int) error {
	if m.held[person] == "" {
		return nil
	}
	answer, err := m.token(l, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {m.held[person]}, "client_id": {m.clientID}, "resource": {resourceURL}})
	if err == nil {
		m.note(person, answer)
	}
	return err
}

// note keeps whose access token an answer has, by what the token itself says.
func (m *metered) note(person int, answer tokenAnswer) {
	parts := strings.Split(answer.AccessToken, ".")
	var claims struct {
		Subject string `json:"sub"`
	}
	if len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &claims) // an empty subject is found in the comparison
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[claims.Subject], m.held[person] = true, answer.RefreshToken
}

// endMonth moves what was counted to the month before: the clock of a database is not ours to move.
func endMonth(ctx context.Context, database *devdb.Server, projects []*metered) error {
	conn, err := pgx.Connect(ctx, database.OwnerURL(devdb.Database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, m := range projects {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `SELECT set_config('app.project_id', $1, true)`, m.project.ID.String())
			if err == nil {
				_, err = tx.Exec(ctx, `UPDATE connected_users SET month = (month - interval '1 month')::date, counted_at = counted_at - interval '1 month' WHERE project_id = $1`, m.project.ID.String())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// compare demands that the meter has exactly the people who were seen.
func compare(ctx context.Context, store *postgres.Store, organization id.ID, slug string, month time.Time, want map[string]bool, out io.Writer) error {
	got := map[string]bool{}
	err := store.CountedPeople(ctx, organization, month, func(p tenants.CountedPerson) error {
		if p.Project == slug {
			got[p.User.String()] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s, %s: the answers say %d people, the meter %d\n", slug, month.Format("2006-01"), len(want), len(got))
	if !maps.Equal(got, want) {
		return errors.New("the meter and the answers do not name the same people")
	}
	return nil
}
