package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"mcpauth.example/tenants"
)

func TestOrganizationUsageTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	day := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	if err := printUsage(&out, []tenants.MonthlyActiveUsers{{Project: "acme", Day: day, Count: 7}, {Project: "acme", Day: day.AddDate(0, 0, 1), Count: 5}}); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{"PROJECT DAY CONNECTED USERS", "acme 2026-11-03 7", "acme 2026-11-04 5", "all 12"} {
		if len(rows) != 4 || strings.Join(strings.Fields(rows[i]), " ") != want {
			t.Fatalf("expected %q as line %d of\n%s", want, i+1, out.String())
		}
	}
}

func TestOrganizationUsageSaysWhatItExpects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command organizationUsageCommand
		want    string
	}{
		{organizationUsageCommand{Month: "November"}, "such as 2026-11"},
		{organizationUsageCommand{Month: "2026-13"}, "such as 2026-11"},
		{organizationUsageCommand{organizationOf: organizationOf{Organization: "acme"}}, "`organization list`"},
	} {
		if err := c.command.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, expected %q", c.command, err, c.want)
		}
	}
}
