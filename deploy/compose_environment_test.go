//go:build unix

package deploy_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestComposeEnvironment: each service is given what it needs to know and no more, under the names the program knows.
func TestComposeEnvironment(t *testing.T) {
	t.Parallel()
	known, project := deploymentSettings(t), mustLoad(t, marked(t))
	want := map[string][]string{"migrate": {"MCPAUTH_DATABASE_OWNER_URL"}}
	for name := range known {
		// The owner's credential is migrate's; the port is fixed by EXPOSE; a file of keys would have to be mounted;
		// the rest is for local work and load tests only.
		if !slices.Contains([]string{
			"MCPAUTH_DATABASE_OWNER_URL", "MCPAUTH_LISTEN", "MCPAUTH_MASTER_KEYS_FILE", "MCPAUTH_RATE_LIMITS", "MCPAUTH_EGRESS_LOOPBACK",
			"MCPAUTH_CLIENT_METADATA_OVERRIDES", "MCPAUTH_STRIPE_URL",
		}, name) {
			want["serve"] = append(want["serve"], name)
		}
	}
	slices.Sort(want["serve"])
	for service, names := range want {
		environment := project.Services[service].Environment
		if got := sortedNames(environment); !slices.Equal(got, names) {
			t.Errorf("%s is given %v, expected %v", service, got, names)
		}
		for name, value := range environment {
			if value == nil || *value != "value-of-"+name {
				t.Errorf("%s: %s is not what the environment file says", service, name)
			}
		}
	}
	postgres := project.Services["postgres"].Environment
	for _, name := range composeOnly {
		if value := postgres[name]; value == nil || *value != "value-of-"+name {
			t.Errorf("postgres: %s is not what the environment file says", name)
		}
	}
}

func TestComposeRefusesMissingValues(t *testing.T) {
	t.Parallel()
	known, e := deploymentSettings(t), readExample(t)
	for _, name := range sortedNames(e.values) {
		for _, missing := range []bool{true, false} { // not there, or empty
			environment := marked(t)
			if environment[name] = ""; missing {
				delete(environment, name)
			}
			_, err := load(t, environment)
			if refused := err != nil; refused == e.optional[name] {
				t.Errorf("%s left out: required %t, %v", name, known[name].required, err)
			}
			if err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("%s left out: the message does not name it: %v", name, err)
			}
		}
	}
	content, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// Any other form is silently empty when the name is not there.
	for _, variable := range regexp.MustCompile(`\$\{?[^}\s]*`).FindAllString(string(content), -1) {
		form := regexp.MustCompile(`^\$\{([A-Z_]+)(:\?|:-)`).FindStringSubmatch(variable)
		if form == nil {
			t.Errorf("%s: expected ${NAME:?message} or ${NAME:-default}", variable)
		} else if _, ok := e.values[form[1]]; !ok {
			t.Errorf("%s is not in environment.example", form[1])
		}
	}
}

// TestProgramTakesTheEnvironment: what an operator fills in reaches the program in a form it takes: it gets as far as the database.
func TestProgramTakesTheEnvironment(t *testing.T) {
	t.Parallel()
	values := filledIn(t)
	for _, name := range []string{"MCPAUTH_DATABASE_URL", "MCPAUTH_DATABASE_OWNER_URL"} {
		if !strings.Contains(values[name], "@postgres:5432/") {
			t.Errorf("%s does not name the service postgres", name)
		}
	}
	for name, password := range map[string]string{"MCPAUTH_DATABASE_URL": ":c3@", "MCPAUTH_DATABASE_OWNER_URL": ":b2@"} {
		if !strings.Contains(values[name], password) {
			t.Errorf("%s does not take its password from the line above it", name)
		}
	}
	elsewhere := maps.Clone(values)
	for name, value := range elsewhere {
		elsewhere[name] = strings.ReplaceAll(value, "@postgres:5432/", "@127.0.0.1:1/") // where nobody answers
	}
	for name, s := range mustLoad(t, elsewhere).Services {
		if s.Build == nil {
			continue
		}
		var environment []string
		for key, value := range s.Environment {
			environment = append(environment, key+"="+*value)
		}
		_, errs, status := mustBuild(t).run(t, environment, s.Command...)
		if status != 1 || !strings.Contains(errs, "127.0.0.1:1") || strings.Contains(errs, "MCPAUTH_") {
			t.Errorf("%s: status %d, expected to fail for want of a database only:\n%s", name, status, errs)
		}
	}
}
