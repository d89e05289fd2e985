/** Takes the access token out of a request. Only the Authorization header counts, never the query or the body. */
import type { IncomingMessage } from "node:http";

/** A token; nothing (also for other schemes than Bearer); or something that is not a well-formed Bearer header. */
export type Credentials = { kind: "token"; token: string } | { kind: "none" } | { kind: "malformed" };

const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const LONGEST_TOKEN = 16 * 1024;

/** Reads the Authorization header (RFC 6750 section 2.1). */
export function readCredentials(req: IncomingMessage): Credentials {
  const header = req.headers.authorization;
  if (header === undefined) return { kind: "none" };
  const [scheme = "", ...rest] = header.split(" ");
  if (scheme.toLowerCase() !== "bearer" || rest.join("").trim() === "") return { kind: "none" };
  const [token] = rest;
  if (rest.length !== 1 || token === undefined || token.length > LONGEST_TOKEN || !TOKEN.test(token)) return { kind: "malformed" };
  return { kind: "token", token };
}
