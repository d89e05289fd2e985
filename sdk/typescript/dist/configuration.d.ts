import { IssuerUnavailable, type IssuerHttp } from "./issuer_http.js";
import { type KeySet } from "./jwt.js";
import type { Settings } from "./options.js";
/** The configuration of one MCP server. URLs are kept exactly as they were given: clients compare them byte by byte. */
export interface Configuration {
    issuer: string;
    issuers: readonly string[];
    resource: string;
    resourceName: string | undefined;
    scopesSupported: readonly string[];
    defaultScopes: readonly string[];
    introspectionEndpoint: string;
    metadataUrl: string;
    /** Where the issuer's keys, the feed of revocations and the endpoint for reports are; undefined when the issuer does not offer them. */
    jwksUri: string | undefined;
    revocationFeed: string | undefined;
    callsEndpoint: string | undefined;
    /** Scopes that single tools need, from the project's tool groups; undefined when it has none. */
    toolScopes: Readonly<Record<string, readonly string[]>> | undefined;
}
/** A value fetched on demand: concurrent callers share one request, failures back off, the last good value outlives them. */
export declare class Remembered<Value> {
    private readonly load;
    private readonly now;
    private readonly failed;
    private readonly fresh;
    private last;
    private pending;
    private failures;
    private retryAt;
    constructor(load: () => Promise<Value>, now: () => number, failed: (error: IssuerUnavailable) => void, fresh?: number);
    /** Returns the value; throws {@link IssuerUnavailable} while there is none. */
    get(): Promise<Value>;
    /** Fetches anew although the value is not old, unless that was done less than `pause` milliseconds ago or a failure is waited out. */
    renew(pause: number): void;
    /** How old the value is, in milliseconds. */
    get age(): number;
    private refresh;
    private attempt;
}
/** Asks the issuer for the configuration that belongs to the registration secret. */
export declare function fetchConfiguration(settings: Settings, http: IssuerHttp): Promise<Configuration>;
/** Fetches the issuer's keys, without any credential. */
export declare function fetchKeySet(configuration: Configuration, http: IssuerHttp): Promise<KeySet>;
/** Fetches the issuer's own metadata document and makes sure it speaks for that issuer (RFC 8414 section 3.3). */
export declare function fetchIssuerMetadata(configuration: Configuration, http: IssuerHttp): Promise<Record<string, unknown>>;
