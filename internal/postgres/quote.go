package postgres

import "strings"

// quoteLiteral makes a string constant for the few statements that take no parameters. The escape form means the same whatever
// standard_conforming_strings says. A NUL, which no text may hold, becomes an escape that the server refuses with an error, instead
// of cutting the statement short.
func quoteLiteral(s string) string {
	return "E'" + strings.NewReplacer("'", "''", `\`, `\\`, "\x00", `\000`).Replace(s) + "'"
}
