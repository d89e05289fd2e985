/** The documents an MCP server shows to clients that look for its issuer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { allowBrowsers, sendError, sendJson, sendPreflight } from "./answers.js";
import type { Configuration } from "./configuration.js";
import { IssuerUnavailable } from "./issuer_http.js";

/** Where clients look for a server's protected resource metadata (RFC 9728 section 3). */
export const RESOURCE_METADATA = "/.well-known/oauth-protected-resource";

/** Where clients of the first MCP authorization revision look for the issuer: at the MCP server itself. */
export const ISSUER_METADATA = "/.well-known/oauth-authorization-server";

const METHODS = "GET, HEAD, OPTIONS";

/** Builds the protected resource metadata; `resource` and the issuer stay byte for byte what the project says. */
export function resourceMetadata(configuration: Configuration): Record<string, unknown> {
  return {
    resource: configuration.resource,
    authorization_servers: [configuration.issuer],
    scopes_supported: configuration.scopesSupported,
    bearer_methods_supported: ["header"],
    ...(configuration.resourceName === undefined ? {} : { resource_name: configuration.resourceName }),
  };
}

/** Where the metadata of a resource belongs: its path after the well-known path, on its own origin. */
export function standardMetadataUrl(resource: string): string {
  const url = new URL(resource);
  return url.origin + RESOURCE_METADATA + trimSlash(url.pathname) + url.search;
}

/** Where the metadata is found below the resource itself, when the origin's well-known path is out of reach. */
export function nestedMetadataUrl(resource: string): string {
  const url = new URL(resource);
  return url.origin + trimSlash(url.pathname) + RESOURCE_METADATA;
}

/** Removes one trailing slash from a path. */
export function trimSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/** The path of a request target, without its query. */
export function pathOf(target: string | undefined): string {
  return (target ?? "/").split(/[?#]/, 1)[0] || "/";
}

/** Answers a request for a document: public, readable from any web page, 503 while the issuer cannot be asked. */
export async function sendDocument(req: IncomingMessage, res: ServerResponse, load: () => Promise<unknown>): Promise<void> {
  if (req.method === "OPTIONS") {
    sendPreflight(req, res, METHODS);
    return;
  }
  if (req.method !== "GET" && req.method !== "HEAD") {
    sendError(req, res, 405, "invalid_request", "This document can only be read", { Allow: METHODS });
    return;
  }
  try {
    const document = await load();
    allowBrowsers(res);
    res.setHeader("Cache-Control", "public, max-age=60");
    sendJson(req, res, 200, document);
  } catch (error) {
    sendUnavailable(req, res, error);
  }
}

/** Answers 503 with Retry-After for trouble between this server and the issuer; rethrows everything else. */
export function sendUnavailable(req: IncomingMessage, res: ServerResponse, error: unknown): void {
  if (!(error instanceof IssuerUnavailable)) throw error;
  sendError(req, res, 503, "temporarily_unavailable", "Access cannot be checked right now; try again shortly", {
    "Retry-After": String(error.retryAfter),
  });
}
