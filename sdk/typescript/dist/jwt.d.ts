/** Verifies access tokens (RFC 9068) with the issuer's published keys. Strict: the key decides the algorithm, never the token. */
import { type KeyObject } from "node:crypto";
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
export type Verification = {
    kind: "verified";
    claims: Claims;
} | {
    kind: "bad";
    reason: string;
    claims?: Claims;
    cause?: Cause | undefined;
} | {
    kind: "unknown-key";
};
/** A published key and the one algorithm it may be used with. */
interface VerificationKey {
    algorithm: string;
    key: KeyObject;
}
/** Published keys by key id. */
export type KeySet = ReadonlyMap<string, VerificationKey>;
/** Reads a JWKS (RFC 7517 section 5). Keys that are not public signing keys of a known kind are left out, as are key ids used twice. */
export declare function readKeySet(document: Record<string, unknown>): KeySet;
/** Verifies a token at a time in milliseconds since the epoch; `exp` and `nbf` are judged with 30 seconds of tolerance. */
export declare function verifyToken(token: string, keys: KeySet, expected: Expected, now: number): Verification;
export {};
