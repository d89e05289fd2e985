/** The options of `mcpAuth`, checked once when it is called. */
import { addressOfSecret, addressProblem } from "./secret.js";
import { PROTOCOL, VERSION_HEADER } from "./issuer_http.js";
import { assertScopes, type OperationScopes } from "./scopes.js";

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
export const VERSION = "0.1.0";

const KNOWN: ReadonlySet<string> = new Set<keyof McpAuthOptions>([
  "registrationSecret", "requiredScopes", "toolScopes", "impliedScopes", "resource", "verification", "reportCalls", "allowedOrigins", "cacheSeconds", "issuer", "fetch", "onWarn",
]);

/** Checks the options and fills in defaults; throws a TypeError that names the option. */
export function readOptions(options: McpAuthOptions): Settings {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("mcpAuth: pass an object, e.g. mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET })");
  }
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw new TypeError(`mcpAuth: unknown option ${name}; known are ${[...KNOWN].join(", ")}`);
  }
  const address = addressOfSecret(options.registrationSecret);
  const { requiredScopes = [], toolScopes, impliedScopes = {}, resource, verification, reportCalls = true, allowedOrigins = [], cacheSeconds = 5, issuer, fetch, onWarn } = options;
  assertScopes("requiredScopes", requiredScopes);
  assertScopeMap("impliedScopes", impliedScopes);
  if (toolScopes !== undefined && typeof toolScopes !== "function") assertScopeMap("toolScopes", toolScopes);
  if (typeof cacheSeconds !== "number" || !(cacheSeconds >= 0 && cacheSeconds <= 5)) {
    throw new TypeError("mcpAuth: cacheSeconds must be a number from 0 to 5");
  }
  if (verification !== undefined && verification !== "local" && verification !== "introspection") {
    throw new TypeError('mcpAuth: verification must be "local" or "introspection"');
  }
  if (verification === "local" && cacheSeconds === 0) throw new TypeError('mcpAuth: cacheSeconds 0 asks on every request, which excludes verification "local"');
  if (typeof reportCalls !== "boolean") throw new TypeError("mcpAuth: reportCalls must be true or false");
  if (!Array.isArray(allowedOrigins) || !allowedOrigins.every((origin) => typeof origin === "string" && URL.canParse(origin) && new URL(origin).origin === origin)) {
    throw new TypeError("mcpAuth: allowedOrigins must be a list of origins, such as https://app.example");
  }
  if (resource !== undefined) assertResource(resource);
  const problem = issuer === undefined ? undefined : typeof issuer === "string" ? addressProblem(issuer) : "must be a string";
  if (problem) throw new TypeError(`mcpAuth: issuer ${problem}`);
  for (const [name, value] of Object.entries({ fetch, onWarn })) {
    if (value !== undefined && typeof value !== "function") throw new TypeError(`mcpAuth: ${name} must be a function`);
  }
  return {
    secret: options.registrationSecret as string,
    address: issuer ?? address,
    ownAddress: issuer !== undefined,
    requiredScopes: [...requiredScopes],
    toolScopes,
    impliedScopes,
    resource,
    cacheSeconds,
    local: verification !== "introspection" && cacheSeconds > 0,
    reportCalls,
    allowedOrigins: [...allowedOrigins],
    ownFetch: fetch !== undefined,
    fetch: (input, init) => (fetch ?? globalThis.fetch)(input, named(init)),
    warn: onWarn ?? ((message) => console.warn(message)),
  };
}

/** Says who asks, so that an operator sees which versions are in use. */
function named(init: RequestInit | undefined): RequestInit {
  const headers = new Headers(init?.headers);
  headers.set("User-Agent", `mcpauth-typescript/${VERSION}`);
  headers.set(VERSION_HEADER, PROTOCOL);
  return { ...init, headers };
}

function assertScopeMap(option: string, map: unknown): void {
  if (typeof map !== "object" || map === null || Array.isArray(map)) throw new TypeError(`mcpAuth: ${option} must be an object of names and lists of scopes`);
  for (const [name, scopes] of Object.entries(map)) assertScopes(`${option}[${JSON.stringify(name)}]`, scopes);
}

function assertResource(resource: unknown): void {
  if (typeof resource !== "string" || !URL.canParse(resource) || !/^https?:$/.test(new URL(resource).protocol) || resource.includes("#")) {
    throw new TypeError("mcpAuth: resource must be the absolute URL of this MCP server, without a fragment");
  }
}
