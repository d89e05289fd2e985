/** The part of a request the guard uses; Express requests of version 4 and 5 satisfy it. */
import type { IncomingMessage, ServerResponse } from "node:http";
/** Who is calling: what the guard puts in `req.auth`, and what MCP tool handlers see as `authInfo`. */
export interface AuthInfo {
    /** The access token as it was sent. Never pass it on to other services. */
    token: string;
    /** The OAuth client that holds the token. */
    clientId: string;
    /** The scopes granted, together with those `impliedScopes` adds. */
    scopes: string[];
    /** When the token ends, in seconds since the epoch. */
    expiresAt: number;
    /** The MCP server the token was issued for. */
    resource: URL;
    extra: AuthExtra;
}
/** What the issuer says about the user behind a token. */
export interface AuthExtra {
    /** The issuer URL the token was obtained from. */
    iss: string;
    /** The user's id; it never changes. */
    sub?: string;
    /** The grant the token belongs to. */
    sid?: string;
    /** The user's name at sign-in, for display. */
    username?: string;
    [member: string]: unknown;
}
/** One JSON-RPC message of an MCP client, as it was sent. */
export interface JsonRpcMessage {
    method?: unknown;
    params?: unknown;
    [member: string]: unknown;
}
/** Express' `next`. */
export type Next = (error?: unknown) => void;
/** An Express middleware, typed without a dependency on the types of one Express version. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: Next) => void;
/** A middleware with work in the background: `close` ends it, for programs that end without ending their process. */
export type ClosableMiddleware = Middleware & {
    close(): Promise<void>;
};
/** A request as Express hands it over. */
export interface GuardedRequest extends IncomingMessage {
    originalUrl?: string;
    baseUrl?: string;
    route?: unknown;
    app?: unknown;
    auth?: AuthInfo;
    body?: unknown;
}
/** Returns who is calling, or undefined when the request did not pass `mcpAuth`. */
export declare function authInfo(req: IncomingMessage): AuthInfo | undefined;
