import type { AuthInfo, Middleware } from "./types.js";
/** What the guard hands to the SDK's `requireBearerAuth`. */
export interface BearerOptions {
    verifier: {
        verifyAccessToken(token: string): Promise<AuthInfo>;
    };
    requiredScopes: string[];
    resourceMetadataUrl: string;
    expectedResource: URL;
}
/** One copy of the SDK. */
export interface BearerSdk {
    generation: 1 | 2;
    requireBearerAuth(options: BearerOptions): Middleware;
    /** Makes the error that this copy's middleware answers with 401 `invalid_token`. */
    invalidToken(reason: string): Error;
}
/**
 * Loads the SDK as seen from the first of these files from which one can be found; where both versions are, version 2
 * counts. By default: the program's main script, its working directory, this package.
 */
export declare function loadSdk(from?: readonly string[]): BearerSdk;
