package mcpauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

func tokenInfoOf(r *http.Request) *auth.TokenInfo { return auth.TokenInfoFromContext(r.Context()) }

func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

func anyList(list []map[string]any) []any {
	out := []any{}
	for _, one := range list {
		out = append(out, one)
	}
	return out
}

func expandText(text string, vars map[string]string) string {
	for name, value := range vars {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// expand puts variables in place of {name} in every text of a value.
func expand(value any, vars map[string]string) any {
	switch value := value.(type) {
	case string:
		return expandText(value, vars)
	case []any:
		out := make([]any, len(value))
		for i := range value {
			out[i] = expand(value[i], vars)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name := range value {
			out[name] = expand(value[name], vars)
		}
		return out
	default:
		return value
	}
}

// differs says how a value is not what was expected, "" when it is: each member that was named must be as it was named, a list must have
// its members in any order and no others, and matchers say of a text less than all of it.
func differs(want, got any) string {
	switch expected := want.(type) {
	case nil:
		if got == nil || got == "" {
			return ""
		}
	case map[string]any:
		if matches, isMatcher := matcher(expected, got); isMatcher {
			if matches {
				return ""
			}
			break
		}
		members, ok := got.(map[string]any)
		if !ok {
			break
		}
		if status, ok := expected["status"]; ok && !reflect.DeepEqual(status, members["status"]) {
			return fmt.Sprintf("got status %v, want %v; answer %s", members["status"], status, jsonText(got))
		}
		for name, value := range expected {
			if name == "challenge" && !reflect.DeepEqual(value, members[name]) && (value != nil || fmt.Sprint(members[name]) != "<nil>") {
				return fmt.Sprintf("challenge: got %s, want %s; answer %s", jsonText(members[name]), jsonText(value), jsonText(got))
			}
			if name == "challenge" {
				continue
			}
			found, ok := members[name]
			if !ok {
				found = members[textproto.CanonicalMIMEHeaderKey(name)]
			}
			if diff := differs(value, found); diff != "" {
				return name + ": " + diff
			}
		}
		return ""
	case []any:
		return differsList(expected, got)
	default:
		if reflect.DeepEqual(want, got) {
			return ""
		}
	}
	return fmt.Sprintf("got %s, want %s", jsonText(got), jsonText(want))
}

func differsList(want []any, got any) string {
	list, _ := got.([]any)
	used := make([]bool, len(list))
	for _, one := range want {
		found := false
		for i := range list {
			if !used[i] && differs(one, list[i]) == "" {
				used[i], found = true, true
				break
			}
		}
		if !found {
			return fmt.Sprintf("got %s, want %s in it", jsonText(got), jsonText(one))
		}
	}
	if len(list) != len(want) {
		return fmt.Sprintf("got %s, want %s and no more", jsonText(got), jsonText(want))
	}
	return ""
}

// matcher reports whether an expectation describes a text rather than naming members, and whether the text is like that.
func matcher(expected map[string]any, got any) (matches, isMatcher bool) {
	if len(expected) == 0 {
		return false, false
	}
	matches = got != nil && got != ""
	text, _ := got.(string)
	for name, value := range expected {
		switch name {
		case "any":
		case "begins":
			matches = matches && strings.HasPrefix(text, value.(string))
		case "length":
			matches = matches && utf8.RuneCountInString(text) == int(value.(float64))
		case "has":
			for _, part := range value.([]any) {
				matches = matches && strings.Contains(strings.ToLower(text), strings.ToLower(part.(string)))
			}
		default:
			return false, false
		}
	}
	return matches, true
}

// A difference must be seen, or the rows prove nothing.
func TestDiffers(t *testing.T) {
	t.Parallel()
	decode := func(text string) any {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	for _, test := range []struct {
		want, got string
		same      bool
	}{
		{`{"status":401}`, `{"status":401,"text":"x"}`, true},
		{`{"status":401}`, `{"status":200}`, false},
		{`{"challenge":null}`, `{"challenge":null}`, true},
		{`{"challenge":null}`, `{"challenge":{"scope":"a"}}`, false},
		{`{"challenge":{"scope":"a"}}`, `{"challenge":null}`, false},
		{`{"challenge":{"scope":"a"}}`, `{"challenge":{"scope":"a","error":"b"}}`, false},
		{`{"headers":{"Vary":{"has":["Origin"]}}}`, `{"headers":{"Vary":"Accept, origin"}}`, true},
		{`{"headers":{"Vary":{"has":["Origin"]}}}`, `{"headers":{}}`, false},
		{`{"headers":{"X":null}}`, `{"headers":{"X":"a"}}`, false},
		{`{"headers":{"MCP-Protocol":"1"}}`, `{"headers":{"Mcp-Protocol":"1"}}`, true},
		{`{"json":{"error":{"begins":"U"}}}`, `{"json":{"error":"Xu"}}`, false},
		{`{"json":{"error":{"any":true}}}`, `{"json":{}}`, false},
		{`[{"a":1},{"a":2}]`, `[{"a":2},{"a":1,"b":3}]`, true},
		{`[{"a":1}]`, `[{"a":1},{"a":2}]`, false},
		{`[{"a":1},{"a":1}]`, `[{"a":1}]`, false},
		{`[]`, `[{"a":1}]`, false},
		{`{"length":3}`, `"abcd"`, false},
		{`{"handler":{"authorization":null}}`, `{"handler":{"authorization":"Bearer x"}}`, false},
	} {
		if diff := differs(decode(test.want), decode(test.got)); (diff == "") != test.same {
			t.Errorf("%s against %s: got %q, want the same: %t", test.got, test.want, diff, test.same)
		}
	}
}
