package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// setting is one environment variable. The table below is the only list: the README's table and deploy/environment.example are tested
// against it.
type setting struct {
	Name, Default, Help string
	Required            bool // by serve
	apply               func(*settings, string) error
}

// settings is the configuration of serve, worker and migrate. It is read once.
type settings struct {
	listen            string
	baseURL           string
	issuerTemplate    tenants.IssuerTemplate
	issuerAliases     []tenants.IssuerTemplate
	databaseURL       string
	databaseDirectURL string
	databaseOwnerURL  string
	databaseMax       int32
	keys              *secret.Keyring
	keyRotation       time.Duration // zero: off
	smtpURL           string
	mailFrom          string
	trustedProxies    []netip.Prefix
	unlimited         bool
	reviews           bool
	gitHub            signin.Provider // zero: members cannot sign in there
	stripeKey         string          // empty: billing is off
	stripeSecrets     []string
	stripeURL         string
	egressLoopback    bool
	documentOverrides map[string][]byte
	logLevel          slog.Level
	local             bool // `dev`: nobody but the developer reaches it
}

var settingsTable = []setting{
	{"MCPAUTH_BASE_URL", "", "Root URL of the site and the dashboard, such as `https://mcpauth.example`. No trailing slash.", true, applyBaseURL},
	{"MCPAUTH_ISSUER_TEMPLATE", "", "Issuer URL of a project: `https://{project}.mcpauth.example`, or `https://auth.example/t/{project}` without wildcard DNS (one organization only).", true, applyIssuerTemplate},
	{"MCPAUTH_ISSUER_ALIASES", "", "Further issuer URL templates that new projects answer at, separated by commas.", false, applyIssuerAliases},
	{"MCPAUTH_DATABASE_URL", "", "PostgreSQL as the application role, possibly through a pooler. The role must not own the tables.", true, text(func(s *settings) *string { return &s.databaseURL })},
	{"MCPAUTH_DATABASE_DIRECT_URL", "same as MCPAUTH_DATABASE_URL", "PostgreSQL as the application role without a pooler in between, for notifications.", false, text(func(s *settings) *string { return &s.databaseDirectURL })},
	{"MCPAUTH_DATABASE_OWNER_URL", "", "PostgreSQL as the owner, without a pooler. Only `migrate` and `restored` use it.", false, text(func(s *settings) *string { return &s.databaseOwnerURL })},
	{"MCPAUTH_DATABASE_MAX_CONNECTIONS", "20", "Most connections one process opens, 2 to 500.", false, applyDatabaseMax},
	{"MCPAUTH_MASTER_KEYS", "", "Master keys, `version:key` separated by commas, the first one in use. Make one with `mcpauth keys new`.", false, applyKeys},
	{"MCPAUTH_MASTER_KEYS_FILE", "", "File with the master keys, one per line, instead of MCPAUTH_MASTER_KEYS.", false, applyKeysFile},
	{"MCPAUTH_KEY_ROTATION", "90", "Days after which a project signs with its next key, 1 to 730, or `off`. Keys that signed stay published until their last token expired.", false, applyKeyRotation},
	{"MCPAUTH_SMTP_URL", "", "Mail server: `smtp://user:password@host:587`, `smtps://host`, or `smtp://localhost:25?tls=off`.", true, text(func(s *settings) *string { return &s.smtpURL })},
	{"MCPAUTH_MAIL_FROM", "", "Address that mail comes from.", true, text(func(s *settings) *string { return &s.mailFrom })},
	{"MCPAUTH_LISTEN", ":8080", "Address to listen on. Requests arrive as plain HTTP; TLS ends at the reverse proxy.", false, text(func(s *settings) *string { return &s.listen })},
	{"MCPAUTH_TRUSTED_PROXIES", "", "Networks whose X-Forwarded-For is believed, in CIDR form, separated by commas.", false, applyTrustedProxies},
	{"MCPAUTH_EGRESS_LOOPBACK", "off", "`on` lets this server ask addresses of its own computer when a stranger names them. For local work only.", false, applyEgressLoopback},
	{"MCPAUTH_CLIENT_METADATA_OVERRIDES", "", "JSON file with an object of client id to metadata document: these are used and not fetched, by `dev`, too. For tests and offline work.", false, applyOverrides},
	{"MCPAUTH_RATE_LIMITS", "on", "`off` lets strangers try as often as they like. For load tests only.", false, applyRateLimits},
	{"MCPAUTH_REVIEWS", "off", "`on` tells people on the consent page that nobody has checked who runs a project, until `mcpauth review approve`. For installations where strangers sign up.", false, applyReviews},
	{"MCPAUTH_GITHUB_CLIENT_ID", "", "Client id of an OAuth app at GitHub with the callback `<base URL>/dashboard/sign-in/github/callback`: members may then sign in with GitHub.", false, text(func(s *settings) *string { return &s.gitHub.ClientID })},
	{"MCPAUTH_GITHUB_CLIENT_SECRET", "", "Client secret of that app.", false, text(func(s *settings) *string { return &s.gitHub.ClientSecret })},
	{"MCPAUTH_STRIPE_KEY", "", "Secret or restricted API key of Stripe: customers then pay for plans, and their limits hold. Without it billing is off and nothing is limited.", false, applyStripeKey},
	{"MCPAUTH_STRIPE_WEBHOOK_SECRETS", "", "Signing secret of the webhook endpoint `<base URL>/api/stripe/webhook` (API version 2023-10-16), `whsec_…`; two separated by a comma while it is exchanged.", false, applyStripeSecrets},
	{"MCPAUTH_STRIPE_URL", "https://api.stripe.com", "Address of Stripe's API. Another one is for tests only.", false, text(func(s *settings) *string { return &s.stripeURL })},
	{"MCPAUTH_LOG_LEVEL", "info", "debug, info, warn or error.", false, applyLogLevel},
}

// toolSettings are read by commands for local work and by the tests, each in its own place.
var toolSettings = []setting{
	{Name: "MCPAUTH_POSTGRES_BIN", Help: "`dev` and tests: folder with the PostgreSQL programs, when they are not found by themselves."},
	{Name: "MCPAUTH_TEST_DATABASE_URL", Help: "Tests: a PostgreSQL to use as superuser instead of starting one."},
	{Name: "MCPAUTH_BROWSER", Help: "Tests: path of Chromium, when it is not `/usr/bin/chromium`."},
}

// readSettings reads the environment. All problems are reported at once, names nobody knows included.
func readSettings(environment []string) (settings, error) {
	values, problems := collect(environment)
	var s settings
	for _, known := range settingsTable {
		value := values[known.Name]
		if value == "" && !strings.Contains(known.Default, " ") {
			value = known.Default
		}
		switch {
		case value == "" && known.Required:
			problems = append(problems, fmt.Errorf("%s is missing: %s", known.Name, known.Help))
		case value != "":
			if err := known.apply(&s, value); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", known.Name, err))
			}
		}
	}
	if s.keys == nil && values["MCPAUTH_MASTER_KEYS"] == "" && values["MCPAUTH_MASTER_KEYS_FILE"] == "" {
		problems = append(problems, errors.New("MCPAUTH_MASTER_KEYS or MCPAUTH_MASTER_KEYS_FILE is missing: make a key with `mcpauth keys new`"))
	}
	if (s.gitHub.ClientID == "") != (s.gitHub.ClientSecret == "") {
		problems = append(problems, errors.New("MCPAUTH_GITHUB_CLIENT_ID and MCPAUTH_GITHUB_CLIENT_SECRET belong together: set both or neither"))
	}
	if (s.stripeKey == "") != (len(s.stripeSecrets) == 0) {
		problems = append(problems, errors.New("MCPAUTH_STRIPE_KEY and MCPAUTH_STRIPE_WEBHOOK_SECRETS belong together: a webhook without a secret would believe everybody"))
	}
	if s.databaseDirectURL == "" {
		s.databaseDirectURL = s.databaseURL
	}
	return s, errors.Join(problems...)
}

// collect keeps what is ours and refuses names that are not in a table: a typing error must not be a silent default.
func collect(environment []string) (map[string]string, []error) {
	values := map[string]string{}
	var problems []error
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "MCPAUTH_") {
			continue
		}
		isName := func(s setting) bool { return s.Name == name }
		if !slices.ContainsFunc(settingsTable, isName) && !slices.ContainsFunc(toolSettings, isName) {
			problems = append(problems, fmt.Errorf("%s is not a setting", name))
		}
		values[name] = strings.TrimSpace(value)
	}
	return values, problems
}

func text(field func(*settings) *string) func(*settings, string) error {
	return func(s *settings, value string) error {
		*field(s) = value
		return nil
	}
}

func applyBaseURL(s *settings, value string) error {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return errors.New("expected https://host without path or trailing slash")
	}
	s.baseURL = value
	return nil
}

func applyIssuerTemplate(s *settings, value string) (err error) {
	s.issuerTemplate, err = tenants.ParseIssuerTemplate(value)
	return err
}

func applyIssuerAliases(s *settings, value string) error {
	for part := range strings.SplitSeq(value, ",") {
		template, err := tenants.ParseIssuerTemplate(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		s.issuerAliases = append(s.issuerAliases, template)
	}
	return nil
}

func applyDatabaseMax(s *settings, value string) error {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 2 || n > 500 {
		return errors.New("expected a number from 2 to 500")
	}
	s.databaseMax = int32(n)
	return nil
}

func applyEgressLoopback(s *settings, value string) error {
	if value != "on" && value != "off" {
		return errors.New("expected on or off")
	}
	s.egressLoopback = value == "on"
	return nil
}

func applyOverrides(s *settings, path string) error {
	content, err := os.ReadFile(path) //nolint:gosec // the operator chooses the path
	if err != nil {
		return err
	}
	var documents map[string]json.RawMessage
	if json.Unmarshal(content, &documents) != nil {
		return errors.New("expected a JSON object of client id to metadata document")
	}
	s.documentOverrides = map[string][]byte{}
	for id, document := range documents {
		s.documentOverrides[id] = document
	}
	return nil
}

func applyRateLimits(s *settings, value string) error {
	on, err := onOrOff(value)
	s.unlimited = !on
	return err
}

func applyReviews(s *settings, value string) (err error) {
	s.reviews, err = onOrOff(value)
	return err
}

func onOrOff(value string) (bool, error) {
	if value != "on" && value != "off" {
		return false, errors.New("expected on or off")
	}
	return value == "on", nil
}

func applyKeys(s *settings, value string) (err error) {
	s.keys, err = secret.ParseKeyring(value)
	return err
}

func applyKeysFile(s *settings, path string) error {
	if s.keys != nil {
		return errors.New("give MCPAUTH_MASTER_KEYS or MCPAUTH_MASTER_KEYS_FILE, not both")
	}
	content, err := os.ReadFile(path) //nolint:gosec // the operator chooses the path
	if err != nil {
		return err
	}
	return applyKeys(s, string(content))
}

func applyKeyRotation(s *settings, value string) error {
	days, err := strconv.Atoi(value)
	if value != "off" && (err != nil || days < 1 || days > 730) {
		return errors.New("expected a number of days from 1 to 730, or off")
	}
	s.keyRotation = time.Duration(days) * 24 * time.Hour
	return nil
}

func applyTrustedProxies(s *settings, value string) error {
	for part := range strings.SplitSeq(value, ",") {
		network, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return errors.New("expected networks such as 10.0.0.0/8")
		}
		s.trustedProxies = append(s.trustedProxies, network)
	}
	return nil
}

func applyStripeKey(s *settings, value string) error {
	kind, rest, _ := strings.Cut(value, "_")
	if (kind != "sk" && kind != "rk") || !strings.HasPrefix(rest, "test_") && !strings.HasPrefix(rest, "live_") {
		return errors.New("expected a key such as sk_test_… or rk_live_…")
	}
	s.stripeKey = value
	return nil
}

func applyStripeSecrets(s *settings, value string) error {
	for part := range strings.SplitSeq(value, ",") {
		part = strings.TrimSpace(part)
		if !strings.HasPrefix(part, "whsec_") || len(part) < len("whsec_")+16 {
			return errors.New("expected one or two secrets such as whsec_…, separated by a comma")
		}
		s.stripeSecrets = append(s.stripeSecrets, part)
	}
	if len(s.stripeSecrets) > 2 {
		return errors.New("expected at most two secrets")
	}
	return nil
}

func applyLogLevel(s *settings, value string) error {
	if err := s.logLevel.UnmarshalText([]byte(value)); err != nil {
		return errors.New("expected debug, info, warn or error")
	}
	return nil
}

type settingsCommand struct{}

// Run prints the table that the README shows.
func (settingsCommand) Run() error { return writeSettings(os.Stdout) }

func writeSettings(w io.Writer) error {
	var table strings.Builder
	table.WriteString("| setting | default | what it is |\n|---|---|---|\n")
	for _, s := range slices.Concat(settingsTable, toolSettings) {
		value := s.Default
		if s.Required {
			value = "required"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", s.Name, value, s.Help)
	}
	_, err := io.WriteString(w, table.String())
	return err
}
