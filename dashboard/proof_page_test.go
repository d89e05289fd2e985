package dashboard_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"mcpauth.example/dashboard"
)

// proofPage is the page of the documentation that lists every POST of the dashboard with its proof.
const proofPage = "../templates/docs/pages/asks-again.md"

var writeProofPage = flag.Bool("write", false, "write the page of the documentation that lists what asks for a proof")

const proofPageIntro = `# What asks again

Whoever signed in to the dashboard more than a quarter of an hour ago is asked who they are before an act that could hurt: one that gives access to somebody or something, shows a secret, hands out data, costs money, takes something away for good, or starts again what was stopped. A password, a passkey or a code by mail will do. What was typed is kept meanwhile, sealed, and done then.

This page is made from the table by which the dashboard works, and a test holds it to that: no form can be added without saying whether it asks, and if not, why. With each stand who may, which includes every role above, and where its form is sent, below /dashboard; … is the address of a project. Of %d forms, %d ask.
`

// whoMay are the least roles, in words.
var whoMay = map[string]string{
	"anyone": "anybody", "members": "members", "viewer": "viewers", "developer": "developers", "admin": "admins", "owner": "owners",
}

// proofPageText is the page as the table has it.
func proofPageText() string {
	asks, reasons, forms, all := []string{}, []string{}, map[string][]string{}, 0
	for _, r := range dashboard.Routes() {
		if r.Method == http.MethodGet {
			continue
		}
		all++
		path := strings.Replace(strings.TrimPrefix(r.Path, "/dashboard"), "/:organization/projects/:project", "…", 1)
		line := fmt.Sprintf("- %s: %s, `%s`", strings.ToUpper(r.Act[:1])+r.Act[1:], whoMay[r.Access], path)
		if r.Recent {
			asks = append(asks, line)
			continue
		}
		if forms[r.Why] == nil {
			reasons = append(reasons, r.Why)
		}
		forms[r.Why] = append(forms[r.Why], line)
	}
	parts := []string{fmt.Sprintf(proofPageIntro, all, len(asks)), "## What asks\n", strings.Join(asks, "\n") + "\n", "## What does not, and why\n"}
	for _, why := range reasons {
		parts = append(parts, "### "+strings.TrimSuffix(why, ".")+"\n", strings.Join(forms[why], "\n")+"\n")
	}
	return strings.Join(parts, "\n")
}

// Every form of the dashboard stands in the documentation with its proof, or with the reason for having none (catalogue 228).
func TestDocumentationListsEveryProof(t *testing.T) {
	t.Parallel()
	want := proofPageText()
	if *writeProofPage {
		if err := os.WriteFile(proofPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(proofPage)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the table says, %v; write it with\n  go test ./dashboard -run TestDocumentationListsEveryProof -write\n%s", proofPage, err, difference(string(got), want))
	}
	for _, r := range dashboard.Routes() {
		if r.Method != http.MethodGet && !strings.Contains(want, strings.ToUpper(r.Act[:1])+r.Act[1:]+": "+whoMay[r.Access]) {
			t.Errorf("%s %s is missing", r.Method, r.Path)
		}
	}
}
