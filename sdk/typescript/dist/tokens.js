"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.TokenChecker = void 0;
/**
 * Decides whether an access token is good for this MCP server: here, with the issuer's keys and its feed of revocations, or by asking the
 * issuer (RFC 7662). Tokens are never logged or stored, only their SHA-256.
 */
const node_crypto_1 = require("node:crypto");
const cache_js_1 = require("./cache.js");
const configuration_js_1 = require("./configuration.js");
const feed_js_1 = require("./feed.js");
const issuer_http_js_1 = require("./issuer_http.js");
const jwt_js_1 = require("./jwt.js");
const scopes_js_1 = require("./scopes.js");
const MOST_GOOD_TOKENS = 10_000;
const MOST_BAD_TOKENS = 1_000;
const MOST_GRANTS = 10_000;
/** How long keys are kept, as their Cache-Control says, and how long at most when they cannot be fetched again; in milliseconds. */
const KEYS_FRESH = 300_000;
const KEYS_LONGEST = 600_000;
/** The least time between two fetches for keys that are not known, in milliseconds. */
const KEYS_PAUSE = 30_000;
/** How long a user's name is kept, in milliseconds. */
const NAME_KEPT = 3_600_000;
const REVOKED = "The access token is expired, revoked or unknown";
/** Checks tokens, remembering the issuer's answers for `cacheSeconds` at most. */
class TokenChecker {
    settings;
    http;
    now;
    feed;
    keys;
    /** What users are called, by grant: only the issuer tells, when it is asked about the first token of a grant. */
    names;
    configuration;
    good;
    bad;
    pending = new Map();
    constructor(settings, http, now) {
        this.settings = settings;
        this.http = http;
        this.now = now;
        this.good = new cache_js_1.BoundedCache(MOST_GOOD_TOKENS, now);
        this.bad = new cache_js_1.BoundedCache(MOST_BAD_TOKENS, now);
        this.names = new cache_js_1.BoundedCache(MOST_GRANTS, now);
        this.feed = new feed_js_1.RevocationFeed({ http, secret: settings.secret, streams: !settings.ownFetch, now });
        this.keys = new configuration_js_1.Remembered(() => (this.configuration ? (0, configuration_js_1.fetchKeySet)(this.configuration, http) : Promise.reject(new issuer_http_js_1.IssuerUnavailable("not configured yet"))), now, () => undefined, KEYS_FRESH);
    }
    /** Ends what runs in the background; tokens are asked about from then on. */
    close() {
        this.feed.close();
    }
    /** Judges a token; throws {@link IssuerUnavailable} when the issuer cannot be asked. */
    async check(token, configuration) {
        const local = await this.checkHere(token, configuration);
        if (local)
            return local;
        const answer = this.settings.cacheSeconds === 0 ? await this.ask(token, configuration) : await this.remembered(token, configuration);
        return this.feed.refuses(answer["sid"]) ? refuse(REVOKED, answer["sid"], "ended") : this.judge(token, answer, configuration);
    }
    /** The verdict found without asking about this token, or undefined when keys and feed are not up to date or do not suffice. */
    async checkHere(token, configuration) {
        const { jwksUri, revocationFeed } = configuration;
        if (!this.settings.local || !jwksUri || !revocationFeed || !this.feed.fresh(revocationFeed))
            return undefined;
        if (this.feed.refusesAll)
            return refuse(REVOKED);
        this.configuration = configuration;
        const keys = await this.keys.get().catch(() => undefined);
        if (!keys || this.keys.age > KEYS_LONGEST)
            return undefined;
        const verified = (0, jwt_js_1.verifyToken)(token, keys, configuration, this.now());
        if (verified.kind === "unknown-key") {
            this.keys.renew(KEYS_PAUSE);
            return undefined;
        }
        if (verified.kind === "bad")
            return refuse(verified.reason, verified.claims?.["sid"], verified.cause);
        const { claims } = verified;
        const sid = String(claims["sid"]);
        if (this.feed.refuses(sid))
            return refuse(REVOKED, sid, "ended");
        const known = this.names.get(sid);
        if (known)
            return this.judge(token, { ...claims, ...known, active: true }, configuration);
        const told = await this.remembered(token, configuration).catch(() => ({ ...claims, active: true })); // keys and feed suffice
        if (told["active"] === true && "username" in told)
            this.names.set(sid, { username: told["username"] }, this.now() + NAME_KEPT);
        return this.judge(token, told, configuration);
    }
    remembered(token, configuration) {
        const key = (0, node_crypto_1.createHash)("sha256").update(token).digest("base64");
        const known = this.good.get(key) ?? this.bad.get(key);
        if (known)
            return Promise.resolve(known);
        let pending = this.pending.get(key);
        if (!pending) {
            const asked = this.now();
            pending = this.ask(token, configuration)
                .then((answer) => {
                this.remember(key, answer, asked);
                return answer;
            })
                .finally(() => this.pending.delete(key));
            this.pending.set(key, pending);
        }
        return pending;
    }
    /** The time counts from when the question was asked: the answer is as old as that. */
    remember(key, answer, asked) {
        const until = asked + this.settings.cacheSeconds * 1000;
        if (answer["active"] !== true)
            this.bad.set(key, answer, until);
        else if (typeof answer["exp"] === "number")
            this.good.set(key, answer, Math.min(until, answer["exp"] * 1000));
    }
    async ask(token, configuration) {
        const answer = await (0, issuer_http_js_1.fetchObject)(this.http, configuration.introspectionEndpoint, {
            method: "POST",
            headers: {
                Authorization: `Bearer ${this.settings.secret}`,
                "Content-Type": "application/x-www-form-urlencoded",
                Accept: "application/json",
            },
            body: new URLSearchParams({ token }).toString(),
        });
        if (typeof answer["active"] !== "boolean")
            throw new issuer_http_js_1.IssuerUnavailable("the issuer's answer about a token is incomplete");
        return answer;
    }
    judge(token, answer, configuration) {
        if (answer["active"] !== true)
            return refuse(REVOKED);
        const { exp, iss, aud, scope, client_id: clientId, token_type: type, cnf } = answer;
        if (typeof exp !== "number" || !Number.isFinite(exp) || typeof clientId !== "string")
            throw new issuer_http_js_1.IssuerUnavailable("the issuer's answer about a token is incomplete");
        if (exp * 1000 <= this.now())
            return refuse("The access token has expired", answer["sid"], "expired");
        if (typeof iss !== "string" || !configuration.issuers.includes(iss))
            return refuse("The access token comes from another issuer");
        if (!(Array.isArray(aud) ? aud : [aud]).includes(configuration.resource))
            return refuse("The access token was issued for another server", answer["sid"], "other_server");
        // RFC 9449 section 7.2: a sender-constrained token must not work as a bearer token.
        if ((type !== undefined && String(type).toLowerCase() !== "bearer") || (cnf !== undefined && cnf !== null))
            return refuse("The access token is not a bearer token");
        const scopes = typeof scope === "string" ? scope.split(" ").filter(Boolean) : [];
        return {
            good: true,
            auth: {
                token,
                clientId,
                scopes: (0, scopes_js_1.withImplied)(scopes, this.settings.impliedScopes),
                expiresAt: exp,
                resource: new URL(configuration.resource),
                extra: extraOf(answer, iss),
            },
        };
    }
}
exports.TokenChecker = TokenChecker;
function extraOf(answer, iss) {
    const extra = { iss };
    for (const member of ["sub", "sid", "username"]) {
        const value = answer[member];
        if (typeof value === "string")
            extra[member] = value;
    }
    return extra;
}
function refuse(reason, sid, cause) {
    return { good: false, reason, cause, ...(typeof sid === "string" && sid !== "" && { sid }) };
}
