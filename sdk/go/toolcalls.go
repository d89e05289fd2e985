package mcpauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

const (
	codeParseError     = -32700
	codeInvalidRequest = -32600
)

var errAmbiguous = errors.New("a member that decides what is called occurs twice or in another spelling")

// calledTools reads which tools the request calls, if any of them needs scopes of its own, and leaves the body as it
// was. A body that could be read in two ways is refused, since the handler might read it in the other.
func (g *Guard) calledTools(w http.ResponseWriter, r *http.Request, scopes map[string][]string) ([]string, *refusal) {
	if len(scopes) == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, rejectBody(http.StatusUnsupportedMediaType, codeInvalidRequest, "compressed requests are not accepted")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.config.MaxBodyBytes))
	_ = r.Body.Close()
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return nil, rejectBody(http.StatusRequestEntityTooLarge, codeInvalidRequest, "the request is too long")
	}
	if err != nil {
		return nil, rejectBody(http.StatusBadRequest, codeParseError, "the request could not be read")
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	tools, err := toolNames(body)
	switch {
	case errors.Is(err, errAmbiguous):
		return nil, rejectBody(http.StatusBadRequest, codeInvalidRequest, "the request is ambiguous: "+err.Error())
	case err != nil:
		return nil, rejectBody(http.StatusBadRequest, codeParseError, "the request is not JSON")
	}
	return tools, nil
}

func rejectBody(status, code int, description string) *refusal {
	return &refusal{status: status, rpcCode: code, description: description}
}

// toolNames lists the tools that a JSON-RPC message, or a batch of them, calls.
func toolNames(body []byte) ([]string, error) {
	if !json.Valid(body) {
		return nil, errors.New("not exactly one JSON value")
	}
	var messages []json.RawMessage // decoded into memory of its own: body goes on to the handler
	if trimmed := bytes.TrimSpace(body); trimmed[0] != '[' {
		messages = append(messages, trimmed)
	} else if err := json.Unmarshal(trimmed, &messages); err != nil {
		return nil, err
	}
	var tools []string
	for _, message := range messages {
		name, err := toolName(message)
		if err != nil {
			return nil, err
		}
		if name != "" {
			tools = append(tools, name)
		}
	}
	return tools, nil
}

// toolName returns "" for a message that is no tool call.
func toolName(message json.RawMessage) (string, error) {
	members, err := pick(message, "method", "params")
	if err != nil || members == nil {
		return "", err
	}
	var method string
	if json.Unmarshal(members["method"], &method) != nil || method != "tools/call" {
		return "", nil //nolint:nilerr // not a call of a tool
	}
	params, err := pick(members["params"], "name")
	if err != nil {
		return "", err
	}
	var name string
	if json.Unmarshal(params["name"], &name) != nil {
		return "", nil //nolint:nilerr // the handler answers what is wrong with it
	}
	return name, nil
}

// pick returns the named members of a JSON object, nil for any other value. Parsers differ in which of two members of
// one name counts and in whether case matters, so both are refused for these names.
func pick(object json.RawMessage, names ...string) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, nil //nolint:nilerr // not an object
	}
	members := make(map[string]json.RawMessage, len(names))
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		for _, name := range names {
			if text, _ := key.(string); !strings.EqualFold(text, name) {
				continue
			} else if _, twice := members[name]; twice || text != name {
				return nil, errAmbiguous
			}
			members[name] = value
		}
	}
	return members, nil
}
