/**
 * mcpauth for MCP servers on Express. This package owns the guard of one MCP server: it verifies tokens with the keys and
 * the feed of revocations of the project's issuer, asks it where these do not suffice, and publishes where clients find that issuer. It imports nothing but Node.js and, at run time, the MCP SDK the
 * application has installed.
 */
import { Guard } from "./guard.js";
import { readOptions, type McpAuthOptions } from "./options.js";
import { loadSdk } from "./sdk.js";
import type { ClosableMiddleware } from "./types.js";

export { requireScopes, type OperationScopes } from "./scopes.js";
export { authInfo, type AuthExtra, type AuthInfo, type ClosableMiddleware, type JsonRpcMessage, type Middleware } from "./types.js";
export type { McpAuthOptions } from "./options.js";

const ISSUER_TIMEOUT_MS = 5_000;

/**
 * Guards an MCP server: `app.use("/mcp", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }))`.
 * Requests with a valid token go on with `req.auth` set; all others are answered. It also serves the metadata with which
 * clients find the project's issuer. Throws a TypeError for options that cannot work and an Error when no MCP SDK is
 * installed; an issuer that cannot be reached is never a reason to throw.
 */
export function mcpAuth(options: McpAuthOptions): ClosableMiddleware {
  return new Guard(readOptions(options), { sdk: loadSdk(), now: Date.now, timeout: ISSUER_TIMEOUT_MS }).handler;
}
