package dashboard

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"mcpauth.example/sdk"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// fetchGuard verifies access tokens (RFC 9068) in handlers that take a Request; the docs explain it.
const fetchGuard = `import { createRemoteJWKSet, jwtVerify } from "jose";

const issuer = %q;
const resource = %q;
const metadata = %q;
const keys = createRemoteJWKSet(new URL(issuer + "/api/oauth/jwks"));

/** The claims of the caller, or the Response to answer with. */
export async function authenticate(request) {
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.get("Authorization") ?? "") ?? [];
  const challenge = ` + "`Bearer resource_metadata=\"${metadata}\"`" + `;
  const refuse = (error) => new Response(null, { status: 401, headers: { "WWW-Authenticate": challenge + error } });
  if (!token) return refuse("");
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience: resource, typ: "at+jwt", algorithms: ["ES256", "EdDSA", "RS256"] });
    return payload;
  } catch {
    return refuse(', error="invalid_token"');
  }
}

export const resourceMetadata = { resource, authorization_servers: [issuer], bearer_methods_supported: ["header"] };
`

const nextSnippet = `// app%s/route.js
import { authenticate } from "@/auth";

export async function POST(request) {
  const caller = await authenticate(request);
  if (caller instanceof Response) return caller;
  return handleMcp(request, caller);
}

// app%s/route.js
import { resourceMetadata } from "@/auth";

export const GET = () => Response.json(resourceMetadata);

// auth.js
`

const honoSnippet = `// index.js
import { Hono } from "hono";
import { authenticate, resourceMetadata } from "./auth.js";

const app = new Hono();
app.get(%q, (c) => c.json(resourceMetadata));
app.use(%q, async (c, next) => {
  const caller = await authenticate(c.req.raw);
  if (caller instanceof Response) return caller;
  c.set("caller", caller);
  await next();
});

// auth.js
`

const anySnippet = `Document   GET %s  (RFC 9728, application/json)
           {"resource": %q, "authorization_servers": [%q], "bearer_methods_supported": ["header"]}

Challenge  401, WWW-Authenticate: Bearer resource_metadata=%q

Check      key set  %s/api/oauth/jwks
           typ      at+jwt
           iss      %s
           aud      %s
           exp      in the future
`

// place is where a server stands: its path, and the path and address of its metadata.
func place(server tenants.MCPServer) (path, metadataPath, metadata string) {
	path = "/"
	u, err := url.Parse(server.Resource)
	if err != nil {
		return path, "", ""
	}
	if u.Path != "" {
		path = u.EscapedPath()
	}
	metadataPath = "/.well-known/oauth-protected-resource" + u.EscapedPath()
	return path, metadataPath, u.Scheme + "://" + u.Host + metadataPath
}

// snippets is the code to copy, with the values of a server.
func snippets(baseURL string, project tenants.ProjectDetail, server tenants.MCPServer) []templates.Snippet {
	path, metadataPath, metadata := place(server)
	issuer, resource := project.Issuer, server.Resource
	guard := fmt.Sprintf(fetchGuard, issuer, resource, metadata)
	return []templates.Snippet{
		{Label: "Express", Language: "ts", Code: fmt.Sprintf(expressSnippet, path, path, port(server)), Install: sdk.InstallNPM(baseURL) + "\n" + expressNeeds},
		{Label: "Next.js", Language: "ts", Code: fmt.Sprintf(nextSnippet, path, metadataPath) + guard, Install: "npm install jose"},
		{Label: "Hono", Language: "ts", Code: fmt.Sprintf(honoSnippet, metadataPath, path) + guard, Install: "npm install jose"},
		{Label: "Go", Language: "go", Code: fmt.Sprintf(goSnippet, path, port(server)), Install: goNeeds + "\n" + sdk.InstallGo(baseURL)},
		{Label: "Any language", Language: "text", Code: fmt.Sprintf(anySnippet, metadataPath, resource, issuer, metadata, issuer, issuer, resource)},
	}
}

// clientGuides says how people add the server to their client: a command, a link that opens the client, or the steps.
func clientGuides(project tenants.ProjectDetail, server tenants.MCPServer) []templates.ClientGuide {
	name, address := project.Slug, server.Resource
	return []templates.ClientGuide{
		{Label: "Claude Code", Code: "claude mcp add --transport http " + name + " " + shellWord(address) + "\n", Text: "Then type /mcp in a session and choose the server."},
		{Label: "Claude", Code: address + "\n", Text: "Settings, Connectors, Add custom connector: paste the address. It has to be reachable from the internet."},
		{Label: "ChatGPT", Code: address + "\n", Text: "Settings, Connectors, developer mode: create a connector with this address and OAuth."},
		{Label: "Cursor", Code: mustJSON(map[string]any{"mcpServers": map[string]any{name: map[string]string{"url": address}}}) + "\n", Text: "In .cursor/mcp.json, or with the link.", LinkText: "Open in Cursor",
			Link: "cursor://anysphere.cursor-deeplink/mcp/install?name=" + url.QueryEscape(name) + "&config=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(mustJSON(map[string]string{"url": address}))))},
		{Label: "VS Code", Code: "code --add-mcp " + shellWord(mustJSON(map[string]string{"name": name, "type": "http", "url": address})) + "\n", Text: "On the command line, or with the link.", LinkText: "Open in VS Code",
			Link: "vscode:mcp/install?" + url.QueryEscape(mustJSON(map[string]string{"name": name, "type": "http", "url": address}))},
		{Label: "Codex", Code: "codex mcp add " + name + " --url " + shellWord(address) + "\ncodex mcp login " + name + "\n", Text: "The second command opens the browser."},
	}
}

// mustJSON is for maps of strings, which always encode.
func mustJSON(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// envFile is the content of a file with the secret; empty without one.
func envFile(registrationSecret string) string {
	if registrationSecret == "" {
		return ""
	}
	return "MCPAUTH_SECRET=" + registrationSecret + "\n"
}

// shellWord quotes what a shell would not take as it is: an address is chosen by a member and pasted by another.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~:/%@,+=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
