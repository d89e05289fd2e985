"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Guard = void 0;
const calls_js_1 = require("./calls.js");
const answers_js_1 = require("./answers.js");
const body_js_1 = require("./body.js");
const configuration_js_1 = require("./configuration.js");
const documents_js_1 = require("./documents.js");
const credentials_js_1 = require("./credentials.js");
const issuer_http_js_1 = require("./issuer_http.js");
const mount_js_1 = require("./mount.js");
const scopes_js_1 = require("./scopes.js");
const tokens_js_1 = require("./tokens.js");
const warnings_js_1 = require("./warnings.js");
/** One guard. It holds the configuration and the token cache of one MCP server. */
class Guard {
    settings;
    around;
    mounted;
    http;
    configuration;
    issuerMetadata;
    tokens;
    calls;
    warnings;
    constructor(settings, around) {
        this.settings = settings;
        this.around = around;
        const { now, timeout } = around;
        this.http = { fetch: settings.fetch, timeout };
        this.warnings = new warnings_js_1.Warnings(settings.warn, now);
        const failed = (error) => this.warnings.trouble(error);
        this.configuration = new configuration_js_1.Remembered(() => (0, configuration_js_1.fetchConfiguration)(settings, this.http), now, failed);
        this.issuerMetadata = new configuration_js_1.Remembered(async () => (0, configuration_js_1.fetchIssuerMetadata)(await this.configuration.get(), this.http), now, failed);
        this.tokens = new tokens_js_1.TokenChecker(settings, this.http, now);
        this.calls = new calls_js_1.CallReports(this.http, settings.secret, () => this.configuration.get(), now);
        this.mounted = (0, mount_js_1.mountable)({
            guard: (req, res, next, told) => void this.answer(req, res, next, told).catch(next),
            wellKnown: (req, res, next) => void this.answerWellKnown(req, res, next).catch(next),
        });
    }
    /** The function to pass to `app.use`. */
    get handler() {
        return Object.assign(this.mounted.handler, { close: () => this.close() });
    }
    /** Ends what runs in the background and tells the project of the last calls. */
    close() {
        this.tokens.close();
        return this.calls.flush();
    }
    async answer(req, res, next, told) {
        if (!told)
            this.mounted.reach(req.app);
        const document = this.documentAt((0, documents_js_1.pathOf)(req.url), (suffix) => suffix === "", true);
        if (document)
            return (0, documents_js_1.sendDocument)(req, res, document);
        if (!(0, answers_js_1.allowOrigin)(req, res, this.settings.allowedOrigins))
            return;
        if (req.method === "OPTIONS")
            return (0, answers_js_1.sendPreflight)(req, res, "GET, POST, DELETE, OPTIONS");
        try {
            const configuration = await this.configuration.get();
            await this.check({
                req, res, next, configuration,
                metadataUrl: this.metadataUrlFor(req, configuration, told),
                baseScopes: this.settings.requiredScopes.length > 0 ? this.settings.requiredScopes : configuration.defaultScopes,
            });
        }
        catch (error) {
            if (error instanceof body_js_1.RequestAborted)
                return;
            (0, documents_js_1.sendUnavailable)(req, res, error);
        }
    }
    async check(context) {
        const { req, res, configuration, metadataUrl, baseScopes } = context;
        const credentials = (0, credentials_js_1.readCredentials)(req);
        if (credentials.kind === "none") {
            // RFC 6750 section 3.1: no error code when no credentials were presented.
            (0, answers_js_1.sendError)(req, res, 401, "unauthorized", `${answers_js_1.UNAUTHORIZED}Send an access token in the Authorization header`, {
                "WWW-Authenticate": (0, answers_js_1.challenge)({ scopes: baseScopes, metadataUrl }),
            });
            return;
        }
        if (credentials.kind === "malformed") {
            const description = "The Authorization header is malformed";
            (0, answers_js_1.sendError)(req, res, 400, "invalid_request", description, {
                "WWW-Authenticate": (0, answers_js_1.challenge)({ error: "invalid_request", description, scopes: baseScopes, metadataUrl }),
            });
            return;
        }
        const verdict = credentials.kind === "nonsense" ? { good: false, reason: "This is not an access token" } : await this.judge(credentials.token, configuration);
        let operationScopes = [];
        let tools = [];
        const toolScopes = this.settings.toolScopes ?? configuration.toolScopes;
        if (verdict.good && (toolScopes !== undefined || (this.settings.reportCalls && (0, body_js_1.isReadable)(req)))) {
            try {
                const messages = await (0, body_js_1.readMessages)(req, typeof toolScopes === "function" ? "any" : "tool");
                tools = (0, scopes_js_1.calledTools)(messages);
                if (toolScopes !== undefined)
                    operationScopes = (0, scopes_js_1.scopesForMessages)(toolScopes, messages);
            }
            catch (error) {
                if (!(error instanceof body_js_1.UnreadableRequest))
                    throw error;
                if (toolScopes !== undefined) {
                    (0, answers_js_1.sendError)(req, res, error.status, "invalid_request", error.message, error.status === 413 ? { Connection: "close" } : {});
                    return;
                }
            }
        }
        this.delegate(context, verdict, operationScopes, tools);
    }
    async judge(token, configuration) {
        try {
            return await this.tokens.check(token, configuration);
        }
        catch (error) {
            if (error instanceof issuer_http_js_1.IssuerUnavailable)
                this.warnings.trouble(error);
            throw error;
        }
    }
    /** Lets the SDK's own middleware answer or pass the request; its challenge gets the scopes this operation needs. */
    delegate(context, verdict, operationScopes, tools) {
        const { req, res, next, configuration, metadataUrl, baseScopes } = context;
        const { sdk } = this.around;
        const middleware = sdk.requireBearerAuth({
            verifier: {
                verifyAccessToken: async () => {
                    if (!verdict.good)
                        throw sdk.invalidToken(answers_js_1.UNAUTHORIZED + verdict.reason);
                    return verdict.auth;
                },
            },
            requiredScopes: (0, scopes_js_1.union)(this.settings.requiredScopes, operationScopes),
            resourceMetadataUrl: metadataUrl,
            expectedResource: new URL(configuration.resource),
        });
        let passed = false;
        const sid = verdict.good ? verdict.auth.extra.sid : verdict.sid;
        if (this.settings.reportCalls && sid) {
            res.once("close", () => {
                if (passed)
                    this.calls.add(sid, tools, res.statusCode >= 400 ? "error" : "ok");
                else if (!verdict.good)
                    this.calls.add(sid, tools, "refused", { reason: "invalid_token", ...(verdict.cause && { cause: verdict.cause }) });
                else
                    this.calls.add(sid, tools, "refused", { reason: "insufficient_scope", needed: (0, scopes_js_1.union)(baseScopes, operationScopes).join(" ") });
            });
        }
        const restore = amendChallenge(res, (0, scopes_js_1.union)(baseScopes, operationScopes));
        middleware(req, res, (error) => {
            restore();
            if (error === undefined) {
                passed = true;
                delete req.headers.authorization; // a token for this server must not be passed on to another
                (0, answers_js_1.allowBrowsers)(res);
                (0, scopes_js_1.markRequest)(req, { baseScopes, metadataUrl });
            }
            next(error);
        });
    }
    async answerWellKnown(req, res, next) {
        const path = (0, documents_js_1.pathOf)(req.url);
        const expected = new Set(["", ...this.mounted.paths().map(documents_js_1.trimSlash)]);
        let document = this.documentAt(path, (suffix) => expected.has(suffix));
        if (!document && (path.startsWith(documents_js_1.RESOURCE_METADATA) || path.startsWith(documents_js_1.ISSUER_METADATA))) {
            // The server's public path can differ from the mount path, behind a proxy; only the issuer knows it.
            const configuration = await this.configuration.get().catch(() => undefined);
            if (configuration)
                document = this.documentAt(path, (suffix) => suffix === (0, documents_js_1.trimSlash)(new URL(configuration.resource).pathname));
        }
        if (document)
            return (0, documents_js_1.sendDocument)(req, res, document);
        next();
    }
    /** Finds the document at a path; `nested` accepts it at any depth below the mount. */
    documentAt(path, accepts, nested = false) {
        for (const [location, load] of [
            [documents_js_1.RESOURCE_METADATA, async () => (0, documents_js_1.resourceMetadata)(await this.configuration.get())],
            [documents_js_1.ISSUER_METADATA, () => this.issuerMetadata.get()],
        ]) {
            const at = nested ? path.lastIndexOf(location) : 0;
            if (at >= 0 && path.startsWith(location, at) && accepts((0, documents_js_1.trimSlash)(path.slice(at + location.length))))
                return load;
        }
        return undefined;
    }
    /** Chooses the metadata address that clients of this request can reach; it is always built from the project's own URL. */
    metadataUrlFor(req, configuration, told) {
        const path = (0, documents_js_1.pathOf)(req.originalUrl ?? req.url);
        const expected = (0, documents_js_1.trimSlash)(new URL(configuration.resource).pathname);
        const atHome = path === expected || path.startsWith(`${expected}/`);
        if (atHome && (told || req.route !== undefined))
            return (0, documents_js_1.standardMetadataUrl)(configuration.resource);
        const nested = (0, documents_js_1.nestedMetadataUrl)(configuration.resource);
        this.warnings.once(atHome
            ? `mcpauth: mcpAuth() is not mounted on the application itself, so it may not reach the well-known paths; clients are pointed to ${nested}. Mount it with app.use(path, mcpAuth(...)).`
            : `mcpauth: a request came in at a path outside ${configuration.resource}, the URL of this MCP server in the dashboard; clients are pointed to ${nested}.`);
        return nested;
    }
}
exports.Guard = Guard;
/** Corrects the challenge while the SDK's middleware writes it; returns what undoes that. */
function amendChallenge(res, scopes) {
    const original = res.setHeader;
    res.setHeader = function (name, value) {
        if (name.toLowerCase() !== "www-authenticate")
            return original.call(this, name, value);
        (0, answers_js_1.allowBrowsers)(this);
        original.call(this, "Cache-Control", "no-store");
        return original.call(this, name, (0, answers_js_1.withScope)(String(value), scopes));
    };
    return () => {
        res.setHeader = original;
    };
}
