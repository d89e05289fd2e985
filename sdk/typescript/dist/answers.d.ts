/** How the guard answers: challenges, JSON errors and the headers that let browsers read them. */
import type { IncomingMessage, ServerResponse } from "node:http";
/**
 * Begins the description of every 401: some clients, such as older releases of the MCP Inspector, recognize the answer by
 * this word in its body and not by its status.
 */
export declare const UNAUTHORIZED = "Unauthorized: ";
/** The members of a Bearer challenge. */
export interface Challenge {
    error?: string;
    description?: string;
    scopes: readonly string[];
    metadataUrl: string;
}
/** Builds the value of `WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1). */
export declare function challenge({ error, description, scopes, metadataUrl }: Challenge): string;
/** Returns a challenge of the SDK's middleware with its scope member set to exactly these scopes. */
export declare function withScope(value: string, scopes: readonly string[]): string;
/** Sends an OAuth error as JSON that no cache keeps. */
export declare function sendError(req: IncomingMessage, res: ServerResponse, status: number, error: string, description: string, headers?: Readonly<Record<string, string>>): void;
/** Sends a value as JSON; a HEAD request gets the headers alone. */
export declare function sendJson(req: IncomingMessage, res: ServerResponse, status: number, value: unknown): void;
/**
 * Lets web pages of any origin read the response: every request is authorized by the token it carries, never by a
 * cookie. A CORS middleware that ran before keeps its say.
 */
export declare function allowBrowsers(res: ServerResponse): void;
/** Lets the pages of the given origins read the response and answers 403 to those of all others; without any given, every page may call. */
export declare function allowOrigin(req: IncomingMessage, res: ServerResponse, allowed: readonly string[]): boolean;
/** Answers OPTIONS without asking for a token: a browser's preflight never carries one. */
export declare function sendPreflight(req: IncomingMessage, res: ServerResponse, methods: string): void;
