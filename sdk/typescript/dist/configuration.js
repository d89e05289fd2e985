"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Remembered = void 0;
exports.fetchConfiguration = fetchConfiguration;
exports.fetchKeySet = fetchKeySet;
exports.fetchIssuerMetadata = fetchIssuerMetadata;
/** What the issuer says about this MCP server: fetched when first needed, kept fresh in the background, never a reason to crash. */
const secret_js_1 = require("./secret.js");
const issuer_http_js_1 = require("./issuer_http.js");
const jwt_js_1 = require("./jwt.js");
/** RFC 6749 section 3.3: what ends up in a challenge must not break out of its quotes. */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+$/;
const FRESH_MS = 60_000;
const LONGEST_BACKOFF_MS = 30_000;
/** A value fetched on demand: concurrent callers share one request, failures back off, the last good value outlives them. */
class Remembered {
    load;
    now;
    failed;
    fresh;
    last;
    pending;
    failures = 0;
    retryAt = 0;
    constructor(load, now, failed, fresh = FRESH_MS) {
        this.load = load;
        this.now = now;
        this.failed = failed;
        this.fresh = fresh;
    }
    /** Returns the value; throws {@link IssuerUnavailable} while there is none. */
    async get() {
        const now = this.now();
        if (this.last) {
            if (now - this.last.at >= this.fresh && now >= this.retryAt)
                this.refresh().catch(() => undefined);
            return this.last.value;
        }
        if (!this.pending && now < this.retryAt)
            throw new issuer_http_js_1.IssuerUnavailable("waiting before the next attempt", Math.ceil((this.retryAt - now) / 1000));
        return this.refresh();
    }
    /** Fetches anew although the value is not old, unless that was done less than `pause` milliseconds ago or a failure is waited out. */
    renew(pause) {
        const now = this.now();
        if (this.last && now - this.last.at >= pause && now >= this.retryAt)
            this.refresh().catch(() => undefined);
    }
    /** How old the value is, in milliseconds. */
    get age() {
        return this.last ? this.now() - this.last.at : Infinity;
    }
    refresh() {
        this.pending ??= this.attempt().finally(() => {
            this.pending = undefined;
        });
        return this.pending;
    }
    async attempt() {
        try {
            const value = await this.load();
            this.last = { value, at: this.now() };
            this.failures = 0;
            this.retryAt = 0;
            return value;
        }
        catch (cause) {
            const error = cause instanceof issuer_http_js_1.IssuerUnavailable ? cause : new issuer_http_js_1.IssuerUnavailable("unexpected failure");
            const wait = Math.max(Math.min(LONGEST_BACKOFF_MS, 1000 * 2 ** this.failures), error.retryAfter * 1000);
            this.failures += 1;
            this.retryAt = this.now() + wait;
            if (!this.last)
                this.failed(error);
            throw new issuer_http_js_1.IssuerUnavailable(error.message, Math.ceil(wait / 1000), error.status);
        }
    }
}
exports.Remembered = Remembered;
/** Asks the issuer for the configuration that belongs to the registration secret. */
async function fetchConfiguration(settings, http) {
    const document = await (0, issuer_http_js_1.fetchObject)(http, `${settings.address}/api/oauth/server`, {
        headers: { Authorization: `Bearer ${settings.secret}`, Accept: "application/json" },
    });
    const issuer = text(document, "issuer");
    const issuers = list(document, "issuers");
    const resource = settings.resource ?? text(document, "resource");
    if (!URL.canParse(resource))
        throw malformed("resource");
    const metadataUrl = text(document, "authorization_server_metadata");
    if ((0, secret_js_1.addressProblem)(issuer))
        throw malformed("issuer");
    if ((0, secret_js_1.addressProblem)(metadataUrl))
        throw malformed("authorization_server_metadata");
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
async function fetchKeySet(configuration, http) {
    return (0, jwt_js_1.readKeySet)(await (0, issuer_http_js_1.fetchObject)(http, configuration.jwksUri ?? "", { headers: { Accept: "application/json" } }));
}
/** Fetches the issuer's own metadata document and makes sure it speaks for that issuer (RFC 8414 section 3.3). */
async function fetchIssuerMetadata(configuration, http) {
    const document = await (0, issuer_http_js_1.fetchObject)(http, configuration.metadataUrl, { headers: { Accept: "application/json" } });
    if (document["issuer"] !== configuration.issuer)
        throw new issuer_http_js_1.IssuerUnavailable("the issuer's metadata names another issuer");
    return document;
}
/**
 * The secret goes to the address it carries and nowhere else: a configuration that names another origin is not used. Behind an address of
 * the developer's own choice the project is known by another name, and the path says enough.
 */
function ownEndpoint(settings, endpoint, path) {
    if (settings.ownAddress)
        return `${settings.address}/api/oauth/${path}`;
    if (!URL.canParse(endpoint) || new URL(endpoint).origin !== new URL(settings.address).origin)
        throw malformed(path);
    return endpoint;
}
function optionalEndpoint(settings, endpoint, path) {
    return typeof endpoint === "string" && endpoint !== "" ? ownEndpoint(settings, endpoint, path) : undefined;
}
/** `offline_access` is between the client and the issuer; an MCP server never asks for it. */
function withoutOffline(scopes) {
    return scopes.filter((scope) => scope !== "offline_access");
}
function text(document, member) {
    const value = document[member];
    if (typeof value !== "string" || value === "")
        throw malformed(member);
    return value;
}
function list(document, member) {
    const value = document[member] ?? [];
    if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string"))
        throw malformed(member);
    return value;
}
/** Tool names are the project's own words: the map has no prototype that one of them could meet. */
function toolScopesOf(document) {
    const given = document["tool_scopes"];
    if (given === undefined || given === null)
        return undefined;
    if (typeof given !== "object" || Array.isArray(given))
        throw malformed("tool_scopes");
    const scopes = Object.create(null);
    for (const [tool, needed] of Object.entries(given)) {
        if (!Array.isArray(needed) || !needed.every((scope) => typeof scope === "string" && SCOPE.test(scope)))
            throw malformed("tool_scopes");
        scopes[tool] = needed;
    }
    return Object.keys(scopes).length > 0 ? scopes : undefined;
}
function malformed(member) {
    return new issuer_http_js_1.IssuerUnavailable(`the issuer's answer has no usable ${member}`);
}
