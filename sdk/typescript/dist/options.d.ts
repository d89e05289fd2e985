import { type OperationScopes } from "./scopes.js";
/** The options of {@link mcpAuth}; only `registrationSecret` is needed. */
export interface McpAuthOptions {
    /** The registration secret of this MCP server, usually `process.env.MCPAUTH_SECRET`. */
    registrationSecret: string | undefined;
    /** Scopes every request must have. Default: none; clients are then asked for the project's default scopes. */
    requiredScopes?: readonly string[];
    /** Scopes that single tools need on top: tool name to scopes, or a function of one JSON-RPC message. Default: the project's tool groups. */
    toolScopes?: OperationScopes;
    /** Scopes that include others, e.g. `{ "notes:admin": ["notes:write"] }`. Default: none. */
    impliedScopes?: Readonly<Record<string, readonly string[]>>;
    /** The exact URL of this MCP server. Default: the one set in the dashboard. */
    resource?: string;
    /**
     * `"local"` verifies tokens here with the issuer's keys and its feed of revocations, and asks the issuer when either is not up to date;
     * `"introspection"` always asks. Default: `"local"`, unless `cacheSeconds` is 0.
     */
    verification?: "local" | "introspection";
    /** Whether the project is told which tools are called with which approval, never with what. Default: true. */
    reportCalls?: boolean;
    /** How long the issuer's answer about a token is trusted without asking again, 0 to 5 seconds; 0 asks on every request. Default 5. */
    cacheSeconds?: number;
    /** Origins whose web pages may call, exactly as browsers send them. Default: all, since only a token in the Authorization header counts. */
    allowedOrigins?: readonly string[];
    /** Ask this issuer address instead of the one inside the secret, e.g. an internal one. */
    issuer?: string;
    /** Used instead of the global `fetch`. */
    fetch?: typeof globalThis.fetch;
    /** Told about trouble in one sentence, never with a token or secret in it. Default: `console.warn`. */
    onWarn?: (message: string) => void;
}
/** The options after checking, defaults filled in. */
export interface Settings {
    secret: string;
    address: string;
    /** Whether `address` is not the one in the secret. */
    ownAddress: boolean;
    requiredScopes: readonly string[];
    toolScopes: OperationScopes | undefined;
    impliedScopes: Readonly<Record<string, readonly string[]>>;
    resource: string | undefined;
    cacheSeconds: number;
    local: boolean;
    reportCalls: boolean;
    allowedOrigins: readonly string[];
    /** Whether `fetch` is the customer's own. */
    ownFetch: boolean;
    fetch: typeof globalThis.fetch;
    warn: (message: string) => void;
}
/** The version of this package. */
export declare const VERSION = "0.1.0";
/** Checks the options and fills in defaults; throws a TypeError that names the option. */
export declare function readOptions(options: McpAuthOptions): Settings;
