package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Names of the servers.
const (
	nameFloor = "floor"
	nameReal  = "real"
)

// target is a running server and what the load has to know to use it.
type target struct {
	name           string
	address        string // 127.0.0.1:port
	host           string // Host header
	prefix         string // path of the issuer
	pid            int
	metadata, jwks expected
	clientID       string
	secret         string   // of the guard
	cookies        []string // the session of each worker's person
	// codesPerSecond is how many single-use codes are prepared for each second of load: more than the server can use here.
	codesPerSecond float64
	// codes makes codes that can be redeemed, tokens makes access tokens; both outside of the measured time.
	codes  func(ctx context.Context, count int) ([]string, error)
	tokens func(ctx context.Context, count int) ([]string, error)
}

func (t *target) dial(ctx context.Context) (*link, error) { return dial(ctx, t.address, t.host) }

// tokenAnswer is what the load needs of an answer of the token endpoint.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

// token asks the token endpoint and expects both tokens.
func (t *target) token(l *link, form url.Values) (tokenAnswer, error) {
	got, err := l.form(t.prefix+"/api/oauth/token", form)
	if err != nil {
		return tokenAnswer{}, err
	}
	var answer tokenAnswer
	if got.status != http.StatusOK || json.Unmarshal(got.body, &answer) != nil || answer.AccessToken == "" || answer.RefreshToken == "" {
		return tokenAnswer{}, got.unexpected("200 with an access and a refresh token")
	}
	return answer, nil
}

// redeem exchanges a code.
func (t *target) redeem(l *link, code string) (tokenAnswer, error) {
	return t.token(l, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
		"redirect_uri": {redirectURI}, "client_id": {t.clientID}, "resource": {resourceURL}})
}

// child is a server process that we started.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; read after done
	once sync.Once
}

// stopLimit is how long a server may take to end before it is killed.
const stopLimit = 15 * time.Second

// startChild starts a program with this environment and no other.
func startChild(program string, args, environment []string, configure func(*exec.Cmd)) (*child, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the keyboard reaches us, and we stop it in order
	configure(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, done: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// stop ends the process and waits for it.
func (c *child) stop() {
	c.once.Do(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-c.done:
		case <-time.After(stopLimit):
			_ = c.cmd.Process.Kill()
			<-c.done
		}
	})
}
