package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Print writes a report for people: a line for each request, and below it each difference with what to do.
func (r Report) Print(out io.Writer) error {
	var b strings.Builder
	failures, warnings := 0, 0
	for _, s := range r.Steps {
		verdict := "pass"
		for _, f := range s.Findings {
			if f.Level == Fail {
				verdict = "FAIL"
				failures++
				continue
			}
			warnings++
			if verdict == "pass" {
				verdict = "warn"
			}
		}
		fmt.Fprintf(&b, "%s  %s: %s (%s)\n", verdict, s.Request, s.Answer, s.Purpose)
		for _, f := range s.Findings {
			fmt.Fprintf(&b, "      %s: %s\n      do:   %s\n", f.Level, f.Difference, f.Advice)
		}
	}
	fmt.Fprintf(&b, "%d requests and checks, %d failures, %d warnings\n", len(r.Steps), failures, warnings)
	_, err := io.WriteString(out, b.String())
	return err
}
