package contract_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"

	"mcpauth.example/sdk/contract"
)

// open are numbers that no row proves yet, each with its reason.
var open = map[string]string{
	"300": "a silent feed is distrusted after fifteen seconds, not three: row feed-falls-silent",
}

// Every number that speaks of guards has a row, every row has a name of its own, and says nothing twice.
func TestRowsAreComplete(t *testing.T) {
	t.Parallel()
	rows, err := contract.Rows()
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	proved, seen := map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		if seen[row.Name] || !name.MatchString(row.Name) || row.What == "" || len(row.Steps) == 0 || len(row.Proves) == 0 {
			t.Errorf("row %q: got %q, %d steps and %v, want a name of its own, what it is about, steps and numbers",
				row.Name, row.What, len(row.Steps), row.Proves)
		}
		seen[row.Name] = true
		for _, number := range row.Proves {
			proved[number] = true
		}
		for _, way := range row.Ways {
			if way != contract.Ask && way != contract.Local && way != contract.Follow {
				t.Errorf("row %s: got the way %q, want ask, follow or local", row.Name, way)
			}
		}
	}
	wanted := []string{
		"P1", "P2", "P5", "P15", "P17", "P18", "P20", "P23", "P26", "P27",
		"9", "10", "13", "14", "15", "16", "24", "25", "192", "197", "199", "200", "206", "207", "209", "210", "211", "212", "213", "214",
		"267", "274", "276", "281", "299", "300", "301", "303",
	}
	for number := range 13 {
		wanted = append(wanted, "R"+strconv.Itoa(number+1))
	}
	slices.Sort(wanted)
	for _, number := range wanted {
		if !proved[number] && open[number] == "" {
			t.Errorf("got no row for %s, want one", number)
		}
		if proved[number] && open[number] != "" {
			t.Errorf("%s: got a row, want it no longer among the open ones", number)
		}
	}
}
