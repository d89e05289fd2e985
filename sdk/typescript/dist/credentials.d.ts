/** Takes the access token out of a request. Only the Authorization header counts, never the query or the body. */
import type { IncomingMessage } from "node:http";
/** A token; one that no issuer gives out; nothing (also for other schemes than Bearer); or more than one of anything. */
export type Credentials = {
    kind: "token";
    token: string;
} | {
    kind: "nonsense";
} | {
    kind: "none";
} | {
    kind: "malformed";
};
/** Reads the Authorization header (RFC 6750 section 2.1). */
export declare function readCredentials(req: IncomingMessage): Credentials;
