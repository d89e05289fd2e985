package endpoints_test

import "regexp"

// unpredictable is what differs between two equal answers: what is sealed, challenges, approvals and request ids.
var unpredictable = regexp.MustCompile(`(name="(?:request|approval|challenge|ceremony|pending)" value=")[^"]*|(challenge&#34;:&#34;)[^&]*|(id="request-id">)[^<]*`)

// normal takes it out of a page.
func normal(body string) string { return unpredictable.ReplaceAllString(body, "$1$2$3") }
