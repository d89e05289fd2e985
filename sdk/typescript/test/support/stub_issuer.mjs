// A stand-in for a project's issuer: the addresses a guard and a client ask, with faults on demand.
import { createServer } from "node:http";
import { once } from "node:events";

/** Starts an issuer for one MCP server. Change `tokens`, `configuration` and `faults` at any time; `seen` counts requests by path. */
export async function startIssuer(resource = "http://localhost:8090/mcp", prefix = "/t/demo") {
  const stub = { tokens: new Map(), faults: {}, seen: {}, bodies: [], waiting: [], streams: new Set() };
  stub.snapshot = { cursor: "a.1", snapshot: true, revoked: [] };
  stub.tell = (message) => stub.streams.forEach((res) => res.write(typeof message === "string" ? `${message}\n\n` : `event: revoked\ndata: ${JSON.stringify(message)}\n\n`));
  stub.offerLocal = () => Object.assign(stub.configuration, {
    revocation_feed: `${stub.issuer}/api/oauth/revocations`, calls_endpoint: `${stub.issuer}/api/oauth/server/calls`,
  });
  const server = createServer((req, res) => handle(stub, req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  stub.origin = origin;
  stub.issuer = origin + prefix;
  stub.prefix = prefix;
  stub.secret = secretFor(stub.issuer);
  stub.configuration = {
    issuer: stub.issuer,
    issuers: [stub.issuer, "http://demo.localhost:8080"],
    resource,
    resource_name: "Demo tools",
    scopes_supported: ["mcp:tools", "notes:write", "offline_access"],
    default_scopes: ["mcp:tools"],
    introspection_endpoint: `${stub.issuer}/api/oauth/introspect`,
    jwks_uri: `${stub.issuer}/api/oauth/jwks`,
    authorization_server_metadata: `${origin}/.well-known/oauth-authorization-server${prefix}`,
  };
  stub.metadata = {
    issuer: stub.issuer,
    authorization_endpoint: `${stub.issuer}/oauth/authorize`,
    token_endpoint: `${stub.issuer}/api/oauth/token`,
    registration_endpoint: `${stub.issuer}/api/oauth/register`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none"],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: ["mcp:tools", "notes:write"],
  };
  stub.issue = (token, claims = {}) => {
    stub.tokens.set(token, {
      active: true, iss: stub.issuer, sub: "0190-ada", aud: stub.configuration.resource, client_id: "client-1",
      scope: "mcp:tools", token_type: "Bearer", exp: Math.floor(Date.now() / 1000) + 3600, iat: 1, jti: token,
      sid: "grant-1", username: "ada@example.com", ...claims,
    });
    return token;
  };
  stub.close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return stub;
}

/** Makes a registration secret for an address. */
export function secretFor(address) {
  return `mcpauth_rs_${Buffer.from(address).toString("base64url")}.${"s".repeat(43)}`;
}

async function handle(stub, req, res) {
  const path = new URL(req.url, "http://stub").pathname;
  stub.seen[path] = (stub.seen[path] ?? 0) + 1;
  const body = await readAll(req);
  stub.bodies.push({ path, authorization: req.headers.authorization, agent: req.headers["user-agent"], body });
  const fault = stub.faults[path];
  if (fault === "hang") return stub.waiting.push(() => res.end());
  if (fault === "hold") await new Promise((resolve) => stub.waiting.push(resolve));
  if (fault === "drop") return void req.socket.destroy();
  if (typeof fault === "object") {
    res.writeHead(fault.status, { "Content-Type": "application/json", ...fault.headers });
    return void res.end(fault.body ?? "{}");
  }
  const json = (status, value) => {
    res.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
    res.end(JSON.stringify(value));
  };
  const known = req.headers.authorization === `Bearer ${stub.secret}`;
  switch (path) {
    case `${stub.prefix}/api/oauth/server`:
      return known ? json(200, stub.configuration) : json(401, { error: "invalid_token" });
    case `${stub.prefix}/api/oauth/introspect`:
      if (!known) return json(401, { error: "invalid_token" });
      return json(200, stub.tokens.get(new URLSearchParams(body).get("token")) ?? { active: false });
    case `${stub.prefix}/api/oauth/jwks`:
      return json(200, { keys: stub.keys ?? [] });
    case `${stub.prefix}/api/oauth/revocations`:
      return known ? follow(stub, req, res, json) : json(401, { error: "invalid_token" });
    case `${stub.prefix}/api/oauth/server/calls`:
      res.writeHead(known ? 204 : 401);
      return res.end();
    case `/.well-known/oauth-authorization-server${stub.prefix}`:
      return json(200, stub.metadata);
    default:
      return json(404, { error: "not_found" });
  }
}

/** The feed: `stub.tell` sends to every stream, `stub.poll` answers polls. */
function follow(stub, req, res, json) {
  if (!req.headers.accept.includes("text/event-stream")) {
    const { searchParams } = new URL(req.url, "http://stub");
    return Promise.resolve(stub.poll?.(searchParams.get("cursor")) ?? stub.snapshot).then((answer) => json(200, answer));
  }
  if (stub.poll) return json(200, stub.snapshot); // something on the way that knows no streams
  res.writeHead(200, { "Content-Type": "text/event-stream" });
  res.write(`event: snapshot\ndata: ${JSON.stringify(stub.snapshot)}\n\n`);
  stub.streams.add(res);
  stub.resumed = req.headers["last-event-id"];
  res.on("close", () => stub.streams.delete(res));
}

async function readAll(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
