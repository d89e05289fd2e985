//go:build unix

package deploy_test

import (
	"bytes"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
)

// composeOnly are names of the example that compose.yaml reads and the program does not.
var composeOnly = []string{"POSTGRES_PASSWORD", "DATABASE_OWNER_PASSWORD", "DATABASE_PASSWORD"}

// example is environment.example: names with their values, and which of them stand behind a #.
type example struct {
	values   map[string]string
	optional map[string]bool
}

var exampleLine = regexp.MustCompile(`^(#?)([A-Z][A-Z0-9_]*)=(.*)$`)

func readExample(t *testing.T) example {
	t.Helper()
	content, err := os.ReadFile("environment.example")
	if err != nil {
		t.Fatal(err)
	}
	e := example{values: map[string]string{}, optional: map[string]bool{}}
	explained := false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		match := exampleLine.FindStringSubmatch(line)
		switch {
		case match != nil:
			name := match[2]
			if _, twice := e.values[name]; twice {
				t.Errorf("%s is there twice", name)
			}
			if !explained {
				t.Errorf("%s has no comment above it", name)
			}
			e.values[name], e.optional[name] = match[3], match[1] == "#"
		case strings.HasPrefix(line, "# "):
			explained = true
		case line == "":
			explained = false
		default:
			t.Errorf("neither a comment nor a setting: %q", line)
		}
	}
	return e
}

func TestExampleIsComplete(t *testing.T) {
	t.Parallel()
	e, known := readExample(t), deploymentSettings(t)
	for name, s := range known {
		value, ok := e.values[name]
		switch {
		case !ok:
			t.Errorf("%s is a setting and not in environment.example", name)
		case s.required && e.optional[name]:
			t.Errorf("%s is required and stands behind a #", name)
		case e.optional[name] && value != s.initial:
			t.Errorf("#%s=%s: the default is %q", name, value, s.initial)
		}
	}
	for name := range e.values {
		if _, ok := known[name]; !ok && !slices.Contains(composeOnly, name) {
			t.Errorf("%s is in environment.example and no setting", name)
		}
	}
	for _, name := range composeOnly {
		if _, ok := e.values[name]; !ok || e.optional[name] {
			t.Errorf("%s is not in environment.example, or behind a #", name)
		}
	}
}

func TestExampleHoldsNoCredential(t *testing.T) {
	t.Parallel()
	for name, value := range readExample(t).values {
		if regexp.MustCompile(`PASSWORD|SECRET|KEYS|SMTP`).MatchString(name) && value != "" {
			t.Errorf("%s has a value, which somebody would keep", name)
		}
		if u, err := url.Parse(strings.NewReplacer("${", "", "}", "", "{", "").Replace(value)); err == nil && u.User != nil {
			if password, _ := u.User.Password(); !slices.Contains(composeOnly, password) {
				t.Errorf("%s holds a password instead of the name of one", name)
			}
		}
	}
	ignored, err := os.ReadFile(".gitignore")
	if err != nil || !slices.Contains(strings.Split(string(ignored), "\n"), "/environment") {
		t.Errorf("the filled-in copy of environment.example could be committed: %v", err)
	}
}

// filledIn is the environment of an operator who filled in what the example leaves empty, read as compose reads it.
func filledIn(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile("environment.example")
	if err != nil {
		t.Fatal(err)
	}
	keys, errs, status := mustBuild(t).run(t, nil, "keys", "new")
	if status != 0 {
		t.Fatal(errs)
	}
	answers := map[string]string{
		"POSTGRES_PASSWORD": "a1", "DATABASE_OWNER_PASSWORD": "b2", "DATABASE_PASSWORD": "c3",
		"MCPAUTH_MASTER_KEYS": strings.TrimSpace(keys), "MCPAUTH_SMTP_URL": "smtps://mail.example",
	}
	for name, answer := range answers {
		empty := []byte("\n" + name + "=\n")
		if !bytes.Contains(content, empty) {
			t.Errorf("%s is not left empty in environment.example", name)
		}
		content = bytes.Replace(content, empty, []byte("\n"+name+"="+answer+"\n"), 1)
	}
	values, err := dotenv.UnmarshalBytesWithLookup(content, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range values {
		if value == "" {
			t.Errorf("%s is still empty: the example leaves more open than this test knows", name)
		}
	}
	return values
}
