// Guarded Express servers for the tests: every test runs on Express 4 and 5 with the SDK of version 1 and 2.
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import express5 from "express";
import express4 from "express4";

const require = createRequire(import.meta.url);
const { Guard } = require("../../dist/guard.js");
const { readOptions } = require("../../dist/options.js");
const { loadSdk } = require("../../dist/sdk.js");

const here = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL("../../package.json", import.meta.url));

/** The SDK of one version, although both are installed here. */
function sdkOf(generation) {
  if (generation === 2) return loadSdk([here]);
  const bearer = require("@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js");
  const errors = require("@modelcontextprotocol/sdk/server/auth/errors.js");
  return { generation: 1, requireBearerAuth: bearer.requireBearerAuth, invalidToken: (reason) => new errors.InvalidTokenError(reason) };
}

export const combinations = [
  { name: "sdk 1, express 4", express: express4, sdk: sdkOf(1) },
  { name: "sdk 1, express 5", express: express5, sdk: sdkOf(1) },
  { name: "sdk 2, express 4", express: express4, sdk: sdkOf(2) },
  { name: "sdk 2, express 5", express: express5, sdk: sdkOf(2) },
];

export { root };

/** Makes a guard like mcpAuth does, with warnings collected and surroundings replaced. */
export function guardFor(stub, combination, options = {}, around = {}) {
  const warnings = [];
  const settings = readOptions({ registrationSecret: stub.secret, onWarn: (message) => warnings.push(message), ...options });
  const guard = new Guard(settings, { sdk: combination.sdk, now: Date.now, timeout: 5000, ...around });
  return { handler: guard.handler, warnings };
}

/** Listens on a free port of this machine; `call` sends a request to it. */
export async function serve(t, app) {
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  const call = async (path, { token, headers = {}, ...init } = {}) => {
    const response = await fetch(origin + path, {
      ...init,
      headers: { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...headers },
    });
    const text = await response.text();
    const json = response.headers.get("content-type")?.includes("json") && text ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, challenge: parseChallenge(response.headers.get("www-authenticate")), text, json };
  };
  return { origin, call, port: server.address().port };
}

/** An app whose /mcp answers with what the handler behind the guard sees. */
export function echoApp(combination, handler, path = "/mcp") {
  const app = combination.express();
  app.use(path, handler);
  app.use(path, (req, res) => res.json({ auth: req.auth ?? null, method: req.method, url: req.originalUrl }));
  return app;
}

/** Splits a Bearer challenge into its members. */
export function parseChallenge(header) {
  if (header === null) return undefined;
  const members = Object.fromEntries([...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  return { scheme: header.split(" ", 1)[0], ...members };
}

/** A JSON-RPC tools/call request. */
export function toolCall(name, extra = {}) {
  return {
    method: "POST",
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } }),
    ...extra,
    headers: { "Content-Type": "application/json", ...extra.headers },
  };
}
