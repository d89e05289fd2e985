/** Which scopes an operation needs, and whether a token has them. */
import type { IncomingMessage } from "node:http";
import type { JsonRpcMessage, Middleware } from "./types.js";
/** Scopes per tool name, or a function that returns the scopes one JSON-RPC message needs. */
export type OperationScopes = Readonly<Record<string, readonly string[]>> | ((message: JsonRpcMessage) => readonly string[] | undefined);
/** What the guard leaves on a request for {@link requireScopes}. */
export interface GuardMark {
    baseScopes: readonly string[];
    metadataUrl: string;
}
/** Throws a TypeError unless the value is a list of scope tokens (RFC 6749 section 3.3). */
export declare function assertScopes(option: string, scopes: unknown): asserts scopes is readonly string[];
/** Returns the scopes the messages of one request need together. */
export declare function scopesForMessages(rule: OperationScopes, messages: readonly JsonRpcMessage[]): string[];
/** Returns the names of the tools that messages call. */
export declare function calledTools(messages: readonly JsonRpcMessage[]): string[];
/** Returns the scopes with everything they include, directly or through others. */
export declare function withImplied(scopes: readonly string[], implied: Readonly<Record<string, readonly string[]>>): string[];
/** Joins lists of scopes, each scope once, in order. */
export declare function union(...lists: readonly (readonly string[])[]): string[];
/** Remembers on the request what a later challenge must say. */
export declare function markRequest(req: IncomingMessage, mark: GuardMark): void;
/**
 * Returns a middleware for routes behind `mcpAuth` that lets only tokens with all these scopes through. Others get
 * 403 `insufficient_scope` with the scopes to ask for, so that the client can ask its user for more.
 */
export declare function requireScopes(...scopes: string[]): Middleware;
