// Package dnsproof asks the DNS whether a domain belongs to whoever claims it. It implements tenants.DomainProver.
//
// It must import neither the doors nor the store.
package dnsproof

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"mcpauth.example/tenants"
)

// patience bounds one question.
const patience = 4 * time.Second

// ErrUnanswered is returned when no name server could be asked, or gave an answer that says nothing.
var ErrUnanswered = errors.New("dnsproof: the question was not answered")

// Prover asks resolvers.
type Prover struct {
	// Servers are resolvers as host:port, asked one after the other; none: those of the system.
	Servers []string
}

// Prove implements tenants.DomainProver: a TXT record with the token (RFC 1035 section 3.3.14), and a CNAME to the target, which is one
// for each project. Only the records of these very names count, so that neither can be inherited from a wildcard target.
func (p Prover) Prove(ctx context.Context, domain, target, token string) (problem string, err error) {
	if target == "" {
		return "The project has no host of its own that a CNAME could lead to.", nil
	}
	texts, err := p.ask(ctx, tenants.DomainRecord+domain, dns.TypeTXT)
	if err != nil {
		return "", err
	}
	var found []string
	for _, record := range texts {
		if text, ok := record.(*dns.TXT); ok {
			found = append(found, strings.Join(text.Txt, ""))
		}
	}
	if problem := missing("TXT", tenants.DomainRecord+domain, tenants.DomainValue+token, found); problem != "" {
		return problem, nil
	}
	names, err := p.ask(ctx, domain, dns.TypeCNAME)
	if err != nil {
		return "", err
	}
	found = nil
	for _, record := range names {
		if name, ok := record.(*dns.CNAME); ok && strings.EqualFold(strings.TrimSuffix(name.Hdr.Name, "."), domain) {
			found = append(found, strings.ToLower(strings.TrimSuffix(name.Target, ".")))
		}
	}
	return missing("CNAME", domain, target, found), nil
}

func missing(kind, name, expected string, found []string) string {
	if slices.Contains(found, expected) {
		return ""
	}
	if len(found) == 0 {
		return fmt.Sprintf("%s has no %s record yet. New records can take an hour to be seen.", name, kind)
	}
	return fmt.Sprintf("The %s record of %s is %.120q, expected %q.", kind, name, found[0], expected)
}

// Apex implements tenants.DomainProver by the list of public suffixes.
func (p Prover) Apex(domain string) bool {
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	return err != nil || registered == domain
}

func (p Prover) ask(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	servers := p.Servers
	if len(servers) == 0 {
		system, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnanswered, err)
		}
		for _, server := range system.Servers {
			servers = append(servers, net.JoinHostPort(server, system.Port))
		}
	}
	question := new(dns.Msg)
	question.SetQuestion(dns.Fqdn(name), kind)
	err := ErrUnanswered
	for _, server := range servers {
		for _, network := range []string{"udp", "tcp"} {
			client := dns.Client{Net: network, Timeout: patience}
			answer, _, failed := client.ExchangeContext(ctx, question, server)
			switch {
			case failed != nil:
				err = fmt.Errorf("%w: %w", ErrUnanswered, failed)
			case answer.Truncated && network == "udp":
				continue
			case answer.Rcode == dns.RcodeSuccess || answer.Rcode == dns.RcodeNameError:
				return answer.Answer, nil
			default:
				err = fmt.Errorf("%w: %s", ErrUnanswered, dns.RcodeToString[answer.Rcode])
			}
			break
		}
	}
	return nil, err
}
