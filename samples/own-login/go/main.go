// Command go is your own login in Go without any package: mcpauth sends people here, and this site says who they are.
//
// Run: MCPAUTH_LOGIN_SECRET=mcpauth_ol_… MCPAUTH_ISSUERS=https://acme.mcpauth.example go run . 3000
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

type person struct {
	Request       string         `json:"request"`
	Subject       string         `json:"subject"`
	Email         string         `json:"email"`
	Name          string         `json:"name"`
	Organizations []organization `json:"organizations"`
}

type organization struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// signedInPerson stands for your own session. Hand over only addresses that you have verified.
func signedInPerson(*http.Request) person {
	return person{Subject: "u-42", Email: "grace@acme.example", Name: "Grace Hopper", Organizations: []organization{{ID: "navy", Name: "Navy"}}}
}

func main() {
	issuers := strings.Fields(os.Getenv("MCPAUTH_ISSUERS")) // the issuer URLs of your project
	http.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		issuer := r.URL.Query().Get("iss")
		if !slices.Contains(issuers, issuer) { // the secret goes to nobody else
			http.Error(w, "unknown issuer", http.StatusBadRequest)
			return
		}
		p := signedInPerson(r) // your session; if there is none, show your own sign-in page first
		p.Request = r.URL.Query().Get("request")
		target, err := handOver(r.Context(), issuer, p)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, target, http.StatusSeeOther) //nolint:gosec // mcpauth names the target
	})
	port := "3000"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	server := http.Server{Addr: "localhost:" + port, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// handOver says from server to server who the person is, and returns where their browser goes on.
func handOver(ctx context.Context, issuer string, p person) (string, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/api/oauth/login", bytes.NewReader(body)) //nolint:gosec // one of the issuers of the environment
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+os.Getenv("MCPAUTH_LOGIN_SECRET"))
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(request) //nolint:gosec // as above
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		RedirectTo  string `json:"redirect_to"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("mcpauth: %s", answer.Description)
	}
	return answer.RedirectTo, nil
}
