/** What the issuer says about this MCP server: fetched when first needed, kept fresh in the background, never a reason to crash. */
import { addressProblem } from "./secret.js";
import { fetchObject, IssuerUnavailable, type IssuerHttp } from "./issuer_http.js";
import { readKeySet, type KeySet } from "./jwt.js";
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

/** RFC 6749 section 3.3: what ends up in a challenge must not break out of its quotes. */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+$/;
const FRESH_MS = 60_000;
const LONGEST_BACKOFF_MS = 30_000;

/** A value fetched on demand: concurrent callers share one request, failures back off, the last good value outlives them. */
export class Remembered<Value> {
  private last: { value: Value; at: number } | undefined;
  private pending: Promise<Value> | undefined;
  private failures = 0;
  private retryAt = 0;

  constructor(
    private readonly load: () => Promise<Value>,
    private readonly now: () => number,
    private readonly failed: (error: IssuerUnavailable) => void,
    private readonly fresh: number = FRESH_MS,
  ) {}

  /** Returns the value; throws {@link IssuerUnavailable} while there is none. */
  async get(): Promise<Value> {
    const now = this.now();
    if (this.last) {
      if (now - this.last.at >= this.fresh && now >= this.retryAt) this.refresh().catch(() => undefined);
      return this.last.value;
    }
    if (!this.pending && now < this.retryAt) throw new IssuerUnavailable("waiting before the next attempt", Math.ceil((this.retryAt - now) / 1000));
    return this.refresh();
  }

  /** Fetches anew although the value is not old, unless that was done less than `pause` milliseconds ago or a failure is waited out. */
  renew(pause: number): void {
    const now = this.now();
    if (this.last && now - this.last.at >= pause && now >= this.retryAt) this.refresh().catch(() => undefined);
  }

  /** How old the value is, in milliseconds. */
  get age(): number {
    return this.last ? this.now() - this.last.at : Infinity;
  }

  private refresh(): Promise<Value> {
    this.pending ??= this.attempt().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async attempt(): Promise<Value> {
    try {
      const value = await this.load();
      this.last = { value, at: this.now() };
      this.failures = 0;
      this.retryAt = 0;
      return value;
    } catch (cause) {
      const error = cause instanceof IssuerUnavailable ? cause : new IssuerUnavailable("unexpected failure");
      const wait = Math.max(Math.min(LONGEST_BACKOFF_MS, 1000 * 2 ** this.failures), error.retryAfter * 1000);
      this.failures += 1;
      this.retryAt = this.now() + wait;
      if (!this.last) this.failed(error);
      throw new IssuerUnavailable(error.message, Math.ceil(wait / 1000), error.status);
    }
  }
}

/** Asks the issuer for the configuration that belongs to the registration secret. */
export async function fetchConfiguration(settings: Settings, http: IssuerHttp): Promise<Configuration> {
  const document = await fetchObject(http, `${settings.address}/api/oauth/server`, {
    headers: { Authorization: `Bearer ${settings.secret}`, Accept: "application/json" },
  });
  const issuer = text(document, "issuer");
  const issuers = list(document, "issuers");
  const resource = settings.resource ?? text(document, "resource");
  if (!URL.canParse(resource)) throw malformed("resource");
  const metadataUrl = text(document, "authorization_server_metadata");
  if (addressProblem(issuer)) throw malformed("issuer");
  if (addressProblem(metadataUrl)) throw malformed("authorization_server_metadata");
  const name = document["resource_name"];
  return {
    issuer,
    issuers: issuers.includes(issuer) ? issuers : [issuer, ...issuers],
    resource,
    resourceName: typeof name === "string" && name !== "" ? name : undefined,
    scopesSupported: withoutOffline(list(document, "scopes_supported")),
    defaultScopes: withoutOffline(list(document, "default_scopes")),
    introspectionEndpoint: ownEndpoint(settings, text(document, "introspection_endpoint"), "introspect"),
    jwksUri: optionalEndpoint(settings, document["jwks_uri"], "jwks"),
    revocationFeed: optionalEndpoint(settings, document["revocation_feed"], "revocations"),
    callsEndpoint: optionalEndpoint(settings, document["calls_endpoint"], "server/calls"),
    metadataUrl,
    toolScopes: toolScopesOf(document),
  };
}

/** Fetches the issuer's keys, without any credential. */
export async function fetchKeySet(configuration: Configuration, http: IssuerHttp): Promise<KeySet> {
  return readKeySet(await fetchObject(http, configuration.jwksUri ?? "", { headers: { Accept: "application/json" } }));
}

/** Fetches the issuer's own metadata document and makes sure it speaks for that issuer (RFC 8414 section 3.3). */
export async function fetchIssuerMetadata(configuration: Configuration, http: IssuerHttp): Promise<Record<string, unknown>> {
  const document = await fetchObject(http, configuration.metadataUrl, { headers: { Accept: "application/json" } });
  if (document["issuer"] !== configuration.issuer) throw new IssuerUnavailable("the issuer's metadata names another issuer");
  return document;
}

/**
 * The secret goes to the address it carries and nowhere else: a configuration that names another origin is not used. Behind an address of
 * the developer's own choice the project is known by another name, and the path says enough.
 */
function ownEndpoint(settings: Settings, endpoint: string, path: string): string {
  if (settings.ownAddress) return `${settings.address}/api/oauth/${path}`;
  if (!URL.canParse(endpoint) || new URL(endpoint).origin !== new URL(settings.address).origin) throw malformed(path);
  return endpoint;
}

function optionalEndpoint(settings: Settings, endpoint: unknown, path: string): string | undefined {
  return typeof endpoint === "string" && endpoint !== "" ? ownEndpoint(settings, endpoint, path) : undefined;
}

/** `offline_access` is between the client and the issuer; an MCP server never asks for it. */
function withoutOffline(scopes: readonly string[]): string[] {
  return scopes.filter((scope) => scope !== "offline_access");
}

function text(document: Record<string, unknown>, member: string): string {
  const value = document[member];
  if (typeof value !== "string" || value === "") throw malformed(member);
  return value;
}

function list(document: Record<string, unknown>, member: string): string[] {
  const value = document[member] ?? [];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string")) throw malformed(member);
  return value as string[];
}

/** Tool names are the project's own words: the map has no prototype that one of them could meet. */
function toolScopesOf(document: Record<string, unknown>): Configuration["toolScopes"] {
  const given = document["tool_scopes"];
  if (given === undefined || given === null) return undefined;
  if (typeof given !== "object" || Array.isArray(given)) throw malformed("tool_scopes");
  const scopes = Object.create(null) as Record<string, readonly string[]>;
  for (const [tool, needed] of Object.entries(given)) {
    if (!Array.isArray(needed) || !needed.every((scope) => typeof scope === "string" && SCOPE.test(scope))) throw malformed("tool_scopes");
    scopes[tool] = needed as string[];
  }
  return Object.keys(scopes).length > 0 ? scopes : undefined;
}

function malformed(member: string): IssuerUnavailable {
  return new IssuerUnavailable(`the issuer's answer has no usable ${member}`);
}
