/** Takes the access token out of a request. Only the Authorization header counts, never the query or the body. */
import type { IncomingMessage } from "node:http";

/** A token; one that no issuer gives out; nothing (also for other schemes than Bearer); or more than one of anything. */
export type Credentials = { kind: "token"; token: string } | { kind: "nonsense" } | { kind: "none" } | { kind: "malformed" };

const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const LONGEST_TOKEN = 16 * 1024;

/** Reads the Authorization header (RFC 6750 section 2.1). */
export function readCredentials(req: IncomingMessage): Credentials {
  const header = req.headers.authorization;
  if (header === undefined) return { kind: "none" };
  // Node.js keeps the first of several; what stands before this server may have looked at another.
  if ((req.headersDistinct?.["authorization"]?.length ?? 1) > 1) return { kind: "malformed" };
  const [scheme = "", ...rest] = header.split(" ");
  if (scheme.toLowerCase() !== "bearer" || rest.join("").trim() === "") return { kind: "none" };
  const [token] = rest;
  if (rest.length !== 1 || token === undefined) return { kind: "malformed" };
  return token.length > LONGEST_TOKEN || !TOKEN.test(token) ? { kind: "nonsense" } : { kind: "token", token };
}
