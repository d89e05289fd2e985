/** Which scopes an operation needs, and whether a token has them. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { challenge, sendError } from "./answers.js";
import type { GuardedRequest, JsonRpcMessage, Middleware, Next } from "./types.js";

/** Scopes per tool name, or a function that returns the scopes one JSON-RPC message needs. */
export type OperationScopes =
  | Readonly<Record<string, readonly string[]>>
  | ((message: JsonRpcMessage) => readonly string[] | undefined);

/** What the guard leaves on a request for {@link requireScopes}. */
export interface GuardMark {
  baseScopes: readonly string[];
  metadataUrl: string;
}

const MARK = Symbol.for("mcpauth.guard");
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Throws a TypeError unless the value is a list of scope tokens (RFC 6749 section 3.3). */
export function assertScopes(option: string, scopes: unknown): asserts scopes is readonly string[] {
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === "string" && SCOPE.test(scope))) {
    throw new TypeError(`mcpAuth: ${option} must be a list of scopes (printable characters, no spaces)`);
  }
}

/** Returns the scopes the messages of one request need together. */
export function scopesForMessages(rule: OperationScopes, messages: readonly JsonRpcMessage[]): string[] {
  return union(...messages.map((message) => scopesForMessage(rule, message)));
}

function scopesForMessage(rule: OperationScopes, message: JsonRpcMessage): readonly string[] {
  if (typeof rule === "function") {
    const scopes = rule(message) ?? [];
    assertScopes("the result of toolScopes()", scopes);
    return scopes;
  }
  return calledTools([message]).flatMap((name) => (Object.hasOwn(rule, name) ? (rule[name] ?? []) : []));
}

/** Returns the names of the tools that messages call. */
export function calledTools(messages: readonly JsonRpcMessage[]): string[] {
  return messages.flatMap((message) => {
    const name = message.method === "tools/call" ? (message.params as { name?: unknown } | null | undefined)?.name : undefined;
    return typeof name === "string" ? [name] : [];
  });
}

/** Returns the scopes with everything they include, directly or through others. */
export function withImplied(scopes: readonly string[], implied: Readonly<Record<string, readonly string[]>>): string[] {
  const all = new Set(scopes);
  for (const scope of all) {
    if (Object.hasOwn(implied, scope)) for (const included of implied[scope] ?? []) all.add(included);
  }
  return [...all];
}

/** Joins lists of scopes, each scope once, in order. */
export function union(...lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}

/** Remembers on the request what a later challenge must say. */
export function markRequest(req: IncomingMessage, mark: GuardMark): void {
  (req as { [MARK]?: GuardMark })[MARK] = mark;
}

/**
 * Returns a middleware for routes behind `mcpAuth` that lets only tokens with all these scopes through. Others get
 * 403 `insufficient_scope` with the scopes to ask for, so that the client can ask its user for more.
 */
export function requireScopes(...scopes: string[]): Middleware {
  assertScopes("requireScopes()", scopes);
  if (scopes.length === 0) throw new TypeError("requireScopes: name at least one scope");
  return (req: IncomingMessage, res: ServerResponse, next: Next): void => {
    const { auth } = req as GuardedRequest;
    const mark = (req as { [MARK]?: GuardMark })[MARK];
    if (!auth || !mark) {
      next(new Error("requireScopes: no token was checked; mount mcpAuth() before it"));
      return;
    }
    if (scopes.every((scope) => auth.scopes.includes(scope))) {
      next();
      return;
    }
    const description = "The access token lacks a scope this operation needs";
    sendError(req, res, 403, "insufficient_scope", description, {
      "WWW-Authenticate": challenge({
        error: "insufficient_scope",
        description,
        scopes: union(mark.baseScopes, scopes),
        metadataUrl: mark.metadataUrl,
      }),
    });
  };
}
