/** Verifies access tokens (RFC 9068) with the issuer's published keys. Strict: the key decides the algorithm, never the token. */
import { createPublicKey, verify, type KeyObject } from "node:crypto";
import type { Cause } from "./calls.js";

/** The members of a verified access token. */
export type Claims = Record<string, unknown>;

/** What a token must have been issued for. */
export interface Expected {
  issuers: readonly string[];
  resource: string;
}

/**
 * Verified; bad, with a reason in printable ASCII without quotes and, when the signature was good, the claims and what was wrong; or signed
 * with a key that is not in the set, which only the issuer can judge.
 */
export type Verification =
  | { kind: "verified"; claims: Claims }
  | { kind: "bad"; reason: string; claims?: Claims; cause?: Cause | undefined }
  | { kind: "unknown-key" };

/** A published key and the one algorithm it may be used with. */
interface VerificationKey {
  algorithm: string;
  key: KeyObject;
}

/** Published keys by key id. */
export type KeySet = ReadonlyMap<string, VerificationKey>;

const MOST_KEYS = 50;
const SHORTEST_RSA_BITS = 2048;
const TOLERANCE_SECONDS = 30;
const PART = /^[A-Za-z0-9_-]+$/;

/** Reads a JWKS (RFC 7517 section 5). Keys that are not public signing keys of a known kind are left out, as are key ids used twice. */
export function readKeySet(document: Record<string, unknown>): KeySet {
  const keys = new Map<string, VerificationKey>();
  const twice = new Set<string>();
  const published: unknown[] = Array.isArray(document["keys"]) ? document["keys"].slice(0, MOST_KEYS) : [];
  for (const jwk of published) {
    if (!isObject(jwk) || typeof jwk["kid"] !== "string" || jwk["kid"] === "") continue;
    if (keys.has(jwk["kid"])) twice.add(jwk["kid"]);
    const key = readKey(jwk);
    if (key) keys.set(jwk["kid"], key);
  }
  for (const kid of twice) keys.delete(kid);
  return keys;
}

function readKey(jwk: Record<string, unknown>): VerificationKey | undefined {
  const algorithm = algorithmOf(jwk);
  if (!algorithm || (jwk["use"] !== undefined && jwk["use"] !== "sig") || jwk["d"] !== undefined) return undefined;
  if (jwk["alg"] !== undefined && jwk["alg"] !== algorithm) return undefined;
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    if (algorithm === "RS256" && (key.asymmetricKeyDetails?.modulusLength ?? 0) < SHORTEST_RSA_BITS) return undefined;
    return { algorithm, key };
  } catch {
    return undefined;
  }
}

/** The algorithm follows from the kind of key, so that no header can choose another (RFC 8725 section 3.1). */
function algorithmOf(jwk: Record<string, unknown>): string | undefined {
  if (jwk["kty"] === "EC" && jwk["crv"] === "P-256") return "ES256";
  if (jwk["kty"] === "OKP" && jwk["crv"] === "Ed25519") return "EdDSA";
  return jwk["kty"] === "RSA" ? "RS256" : undefined;
}

/** Verifies a token at a time in milliseconds since the epoch; `exp` and `nbf` are judged with 30 seconds of tolerance. */
export function verifyToken(token: string, keys: KeySet, expected: Expected, now: number): Verification {
  const parts = token.split(".");
  const [head, body, signature] = parts;
  if (parts.length !== 3 || !parts.every((part) => PART.test(part)) || !head || !body || !signature) return bad("The access token is malformed");
  const header = decode(head);
  if (!header) return bad("The access token is malformed");
  const { typ, alg, kid } = header;
  if (typeof typ !== "string" || !/^(application\/)?at\+jwt$/i.test(typ)) return bad("The token is not an access token");
  // RFC 7515 section 4.1.11: extensions that are not understood must be refused.
  if (header["crit"] !== undefined) return bad("The access token is malformed");
  const key = typeof kid === "string" ? keys.get(kid) : undefined;
  if (!key) return { kind: "unknown-key" };
  if (alg !== key.algorithm) return bad("The access token is signed with the wrong algorithm");
  if (!signed(key, `${head}.${body}`, Buffer.from(signature, "base64url"))) return bad("The signature of the access token is wrong");
  const claims = decode(body);
  if (!claims) return bad("The access token is malformed");
  const judged = judge(claims, expected, now / 1000);
  return judged.kind === "bad" ? { ...judged, claims } : judged;
}

function signed({ algorithm, key }: VerificationKey, input: string, signature: Buffer): boolean {
  const digest = algorithm === "EdDSA" ? null : "sha256";
  return verify(digest, Buffer.from(input), algorithm === "ES256" ? { key, dsaEncoding: "ieee-p1363" } : key, signature);
}

/** RFC 9068 section 4. The audience must be this resource and nothing else. */
function judge(claims: Claims, expected: Expected, now: number): Verification {
  const { iss, aud, exp, nbf } = claims;
  if (typeof iss !== "string" || !expected.issuers.includes(iss)) return bad("The access token comes from another issuer");
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audiences.length !== 1 || audiences[0] !== expected.resource) return bad("The access token was issued for another server", "other_server");
  if (typeof exp !== "number" || !Number.isFinite(exp) || exp + TOLERANCE_SECONDS <= now) return bad("The access token has expired", "expired");
  if (nbf !== undefined && (typeof nbf !== "number" || nbf - TOLERANCE_SECONDS > now)) return bad("The access token is not valid yet");
  for (const member of ["sid", "client_id"]) {
    if (typeof claims[member] !== "string" || claims[member] === "") return bad(`The access token has no ${member}`);
  }
  return { kind: "verified", claims };
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bad(reason: string, cause?: Cause): Verification {
  return { kind: "bad", reason, cause };
}
