package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

type settings struct {
	url  string
	name string
	wait time.Duration // for the user
}

// connection is a session and what holds its tokens.
type connection struct {
	*mcp.ClientSession

	handler auth.OAuthHandler
}

// connect opens a session; the server's first 401 sends the user through authorization.
func connect(ctx context.Context, s settings, callback *callback, output *events) (*connection, error) {
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		RedirectURL: callback.redirectURL,
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			ClientName:              s.name,
			RedirectURIs:            []string{callback.redirectURL},
			GrantTypes:              []string{"authorization_code", "refresh_token"},
			ResponseTypes:           []string{"code"},
			TokenEndpointAuthMethod: "none",
		}},
		RequestRefreshToken: true,
		AuthorizationCodeFetcher: func(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			callback.forget()
			output.emit(event{Event: "authorize", URL: args.URL})
			return callback.wait(ctx, s.wait)
		},
	})
	if err != nil {
		return nil, err
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "goclient", Version: "1.0.0"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: s.url, OAuthHandler: handler}, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot connect: %w", err)
	}
	return &connection{ClientSession: session, handler: handler}, nil
}

// command is one line of input.
type command struct {
	Op   string         `json:"op"`
	Tool string         `json:"tool"`
	Args map[string]any `json:"args"`
}

// serve does the commands one after the other until quit or the end of the input.
func serve(ctx context.Context, session *connection, input io.Reader, output *events) {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && ctx.Err() == nil {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var next command
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			output.fail(fmt.Errorf("not a command: %w", err))
			continue
		}
		if next.Op == "quit" {
			return
		}
		done, err := do(ctx, session, next)
		if err != nil {
			output.fail(err)
			continue
		}
		output.emit(done)
	}
	if err := lines.Err(); err != nil {
		output.fail(err)
	}
}

func do(ctx context.Context, session *connection, next command) (event, error) {
	switch next.Op {
	case "list":
		done := event{Event: "tools"}
		for tool, err := range session.Tools(ctx, nil) {
			if err != nil {
				return event{}, err
			}
			done.Tools = append(done.Tools, tool.Name)
		}
		return done, nil
	case "call":
		arguments := next.Args
		if arguments == nil {
			arguments = map[string]any{}
		}
		result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: next.Tool, Arguments: arguments})
		if err != nil {
			return event{}, err
		}
		var text strings.Builder
		for _, content := range result.Content {
			if part, ok := content.(*mcp.TextContent); ok {
				text.WriteString(part.Text)
			}
		}
		answer := text.String()
		return event{Event: "call", Tool: next.Tool, Text: &answer, IsError: result.IsError}, nil
	case "refresh":
		return event{Event: "refreshed"}, session.refresh(ctx)
	case "revoke":
		return event{Event: "revoked"}, session.revoke(ctx)
	default:
		return event{}, errors.New("unknown command: " + next.Op)
	}
}
