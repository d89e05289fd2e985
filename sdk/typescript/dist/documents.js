"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.ISSUER_METADATA = exports.RESOURCE_METADATA = void 0;
exports.resourceMetadata = resourceMetadata;
exports.standardMetadataUrl = standardMetadataUrl;
exports.nestedMetadataUrl = nestedMetadataUrl;
exports.trimSlash = trimSlash;
exports.pathOf = pathOf;
exports.sendDocument = sendDocument;
exports.sendUnavailable = sendUnavailable;
const answers_js_1 = require("./answers.js");
const issuer_http_js_1 = require("./issuer_http.js");
/** Where clients look for a server's protected resource metadata (RFC 9728 section 3). */
exports.RESOURCE_METADATA = "/.well-known/oauth-protected-resource";
/** Where clients of the first MCP authorization revision look for the issuer: at the MCP server itself. */
exports.ISSUER_METADATA = "/.well-known/oauth-authorization-server";
const METHODS = "GET, HEAD, OPTIONS";
/** Builds the protected resource metadata; `resource` and the issuer stay byte for byte what the project says. */
function resourceMetadata(configuration) {
    return {
        resource: configuration.resource,
        authorization_servers: [configuration.issuer],
        scopes_supported: configuration.scopesSupported,
        bearer_methods_supported: ["header"],
        ...(configuration.resourceName === undefined ? {} : { resource_name: configuration.resourceName }),
    };
}
/** Where the metadata of a resource belongs: its path after the well-known path, on its own origin. */
function standardMetadataUrl(resource) {
    const url = new URL(resource);
    return url.origin + exports.RESOURCE_METADATA + trimSlash(url.pathname) + url.search;
}
/** Where the metadata is found below the resource itself, when the origin's well-known path is out of reach. */
function nestedMetadataUrl(resource) {
    const url = new URL(resource);
    return url.origin + trimSlash(url.pathname) + exports.RESOURCE_METADATA;
}
/** Removes one trailing slash from a path. */
function trimSlash(path) {
    return path.endsWith("/") ? path.slice(0, -1) : path;
}
/** The path of a request target, without its query. */
function pathOf(target) {
    return (target ?? "/").split(/[?#]/, 1)[0] || "/";
}
/** Answers a request for a document: public, readable from any web page, 503 while the issuer cannot be asked. */
async function sendDocument(req, res, load) {
    if (req.method === "OPTIONS") {
        (0, answers_js_1.sendPreflight)(req, res, METHODS);
        return;
    }
    if (req.method !== "GET" && req.method !== "HEAD") {
        (0, answers_js_1.sendError)(req, res, 405, "invalid_request", "This document can only be read", { Allow: METHODS });
        return;
    }
    try {
        const document = await load();
        (0, answers_js_1.allowBrowsers)(res);
        res.setHeader("Cache-Control", "public, max-age=60");
        (0, answers_js_1.sendJson)(req, res, 200, document);
    }
    catch (error) {
        sendUnavailable(req, res, error);
    }
}
/** Answers 503 with Retry-After for trouble between this server and the issuer; rethrows everything else. */
function sendUnavailable(req, res, error) {
    if (!(error instanceof issuer_http_js_1.IssuerUnavailable))
        throw error;
    (0, answers_js_1.sendError)(req, res, 503, "temporarily_unavailable", "Access cannot be checked right now; try again shortly", {
        "Retry-After": String(error.retryAfter),
    });
}
