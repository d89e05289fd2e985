import { type McpAuthOptions } from "./options.js";
import type { ClosableMiddleware } from "./types.js";
export { requireScopes, type OperationScopes } from "./scopes.js";
export { authInfo, type AuthExtra, type AuthInfo, type ClosableMiddleware, type JsonRpcMessage, type Middleware } from "./types.js";
export type { McpAuthOptions } from "./options.js";
/**
 * Guards an MCP server: `app.use("/mcp", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }))`.
 * Requests with a valid token go on with `req.auth` set; all others are answered. It also serves the metadata with which
 * clients find the project's issuer. Throws a TypeError for options that cannot work and an Error when no MCP SDK is
 * installed; an issuer that cannot be reached is never a reason to throw.
 */
export declare function mcpAuth(options: McpAuthOptions): ClosableMiddleware;
