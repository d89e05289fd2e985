"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.VERSION = void 0;
exports.readOptions = readOptions;
/** The options of `mcpAuth`, checked once when it is called. */
const secret_js_1 = require("./secret.js");
const issuer_http_js_1 = require("./issuer_http.js");
const scopes_js_1 = require("./scopes.js");
/** The version of this package. */
exports.VERSION = "0.1.0";
const KNOWN = new Set([
    "registrationSecret", "requiredScopes", "toolScopes", "impliedScopes", "resource", "verification", "reportCalls", "allowedOrigins", "cacheSeconds", "issuer", "fetch", "onWarn",
]);
/** Checks the options and fills in defaults; throws a TypeError that names the option. */
function readOptions(options) {
    if (typeof options !== "object" || options === null) {
        throw new TypeError("mcpAuth: pass an object, e.g. mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET })");
    }
    for (const name of Object.keys(options)) {
        if (!KNOWN.has(name))
            throw new TypeError(`mcpAuth: unknown option ${name}; known are ${[...KNOWN].join(", ")}`);
    }
    const address = (0, secret_js_1.addressOfSecret)(options.registrationSecret);
    const { requiredScopes = [], toolScopes, impliedScopes = {}, resource, verification, reportCalls = true, allowedOrigins = [], cacheSeconds = 5, issuer, fetch, onWarn } = options;
    (0, scopes_js_1.assertScopes)("requiredScopes", requiredScopes);
    assertScopeMap("impliedScopes", impliedScopes);
    if (toolScopes !== undefined && typeof toolScopes !== "function")
        assertScopeMap("toolScopes", toolScopes);
    if (typeof cacheSeconds !== "number" || !(cacheSeconds >= 0 && cacheSeconds <= 5)) {
        throw new TypeError("mcpAuth: cacheSeconds must be a number from 0 to 5");
    }
    if (verification !== undefined && verification !== "local" && verification !== "introspection") {
        throw new TypeError('mcpAuth: verification must be "local" or "introspection"');
    }
    if (verification === "local" && cacheSeconds === 0)
        throw new TypeError('mcpAuth: cacheSeconds 0 asks on every request, which excludes verification "local"');
    if (typeof reportCalls !== "boolean")
        throw new TypeError("mcpAuth: reportCalls must be true or false");
    if (!Array.isArray(allowedOrigins) || !allowedOrigins.every((origin) => typeof origin === "string" && URL.canParse(origin) && new URL(origin).origin === origin)) {
        throw new TypeError("mcpAuth: allowedOrigins must be a list of origins, such as https://app.example");
    }
    if (resource !== undefined)
        assertResource(resource);
    const problem = issuer === undefined ? undefined : typeof issuer === "string" ? (0, secret_js_1.addressProblem)(issuer) : "must be a string";
    if (problem)
        throw new TypeError(`mcpAuth: issuer ${problem}`);
    for (const [name, value] of Object.entries({ fetch, onWarn })) {
        if (value !== undefined && typeof value !== "function")
            throw new TypeError(`mcpAuth: ${name} must be a function`);
    }
    return {
        secret: options.registrationSecret,
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
function named(init) {
    const headers = new Headers(init?.headers);
    headers.set("User-Agent", `mcpauth-typescript/${exports.VERSION}`);
    headers.set(issuer_http_js_1.VERSION_HEADER, issuer_http_js_1.PROTOCOL);
    return { ...init, headers };
}
function assertScopeMap(option, map) {
    if (typeof map !== "object" || map === null || Array.isArray(map))
        throw new TypeError(`mcpAuth: ${option} must be an object of names and lists of scopes`);
    for (const [name, scopes] of Object.entries(map))
        (0, scopes_js_1.assertScopes)(`${option}[${JSON.stringify(name)}]`, scopes);
}
function assertResource(resource) {
    if (typeof resource !== "string" || !URL.canParse(resource) || !/^https?:$/.test(new URL(resource).protocol) || resource.includes("#")) {
        throw new TypeError("mcpAuth: resource must be the absolute URL of this MCP server, without a fragment");
    }
}
