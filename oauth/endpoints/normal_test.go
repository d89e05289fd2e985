package endpoints_test

import "regexp"

// unpredictable is what differs between two equal answers: sealed requests, approvals, challenge and request ids.
var unpredictable = regexp.MustCompile(`(name="(?:request|approval|challenge)" value=")[^"]*|(id="request-id">)[^<]*`)

// normal takes it out of a page.
func normal(body string) string { return unpredictable.ReplaceAllString(body, "$1$2") }
