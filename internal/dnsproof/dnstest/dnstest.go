// Package dnstest serves DNS records to tests, on this computer.
package dnstest

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server answers with what Set was given, and NXDOMAIN otherwise.
type Server struct {
	Address string // host:port, over UDP and TCP

	mu      sync.Mutex
	records map[string][]string
	failing bool
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{records: map[string][]string{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = listener.Addr().String()
	packets, err := net.ListenPacket("udp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{Listener: listener, Handler: s}, {PacketConn: packets, Handler: s}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return s
}

// Set replaces the records of a kind ("TXT" or "CNAME") of a name; none: there are none.
func (s *Server) Set(kind, name string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[kind+" "+name] = values
}

// Fail makes every answer a SERVFAIL, or ends that.
func (s *Server) Fail(failing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = failing
}

// ServeDNS implements dns.Handler.
func (s *Server) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := new(dns.Msg).SetReply(question)
	asked := question.Question[0]
	name := strings.TrimSuffix(strings.ToLower(asked.Name), ".")
	header := dns.RR_Header{Name: asked.Name, Rrtype: asked.Qtype, Class: dns.ClassINET}
	for _, value := range s.records[dns.TypeToString[asked.Qtype]+" "+name] {
		if asked.Qtype == dns.TypeTXT {
			answer.Answer = append(answer.Answer, &dns.TXT{Hdr: header, Txt: []string{value}})
		} else {
			answer.Answer = append(answer.Answer, &dns.CNAME{Hdr: header, Target: dns.Fqdn(value)})
		}
	}
	switch {
	case s.failing:
		answer.Rcode, answer.Answer = dns.RcodeServerFailure, nil
	case len(answer.Answer) == 0:
		answer.Rcode = dns.RcodeNameError
	}
	if w.LocalAddr().Network() == "udp" && answer.Len() > dns.MinMsgSize {
		answer.Truncated, answer.Answer = true, nil
	}
	_ = w.WriteMsg(answer)
}
