"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.UNAUTHORIZED = void 0;
exports.challenge = challenge;
exports.withScope = withScope;
exports.sendError = sendError;
exports.sendJson = sendJson;
exports.allowBrowsers = allowBrowsers;
exports.allowOrigin = allowOrigin;
exports.sendPreflight = sendPreflight;
/** The response headers a browser client must be able to read. */
const EXPOSED = ["WWW-Authenticate", "Mcp-Session-Id", "MCP-Protocol-Version"];
const REQUEST_HEADERS = "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID";
/**
 * Begins the description of every 401: some clients, such as older releases of the MCP Inspector, recognize the answer by
 * this word in its body and not by its status.
 */
exports.UNAUTHORIZED = "Unauthorized: ";
/** Builds the value of `WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1). */
function challenge({ error, description, scopes, metadataUrl }) {
    const members = [];
    if (error)
        members.push(`error="${error}"`);
    if (description)
        members.push(`error_description="${description}"`);
    if (scopes.length > 0)
        members.push(`scope="${scopes.join(" ")}"`);
    members.push(`resource_metadata="${metadataUrl}"`);
    return `Bearer ${members.join(", ")}`;
}
/** Returns a challenge of the SDK's middleware with its scope member set to exactly these scopes. */
function withScope(value, scopes) {
    const bare = value.replace(/, scope="[^"]*"/, "");
    if (scopes.length === 0)
        return bare;
    const member = `scope="${scopes.join(" ")}"`;
    return bare.includes(", resource_metadata=") ? bare.replace(", resource_metadata=", `, ${member}, resource_metadata=`) : `${bare}, ${member}`;
}
/** Sends an OAuth error as JSON that no cache keeps. */
function sendError(req, res, status, error, description, headers = {}) {
    allowBrowsers(res);
    res.setHeader("Cache-Control", "no-store");
    for (const [name, value] of Object.entries(headers))
        res.setHeader(name, value);
    sendJson(req, res, status, { error, error_description: description });
}
/** Sends a value as JSON; a HEAD request gets the headers alone. */
function sendJson(req, res, status, value) {
    const body = JSON.stringify(value);
    res.statusCode = status;
    res.setHeader("Content-Type", "application/json; charset=utf-8");
    res.setHeader("Content-Length", Buffer.byteLength(body));
    res.end(req.method === "HEAD" ? undefined : body);
}
/**
 * Lets web pages of any origin read the response: every request is authorized by the token it carries, never by a
 * cookie. A CORS middleware that ran before keeps its say.
 */
function allowBrowsers(res) {
    const decided = res.hasHeader("Access-Control-Allow-Origin") || /(^|,)\s*origin\s*(,|$)/i.test(headerText(res, "Vary"));
    if (!decided)
        res.setHeader("Access-Control-Allow-Origin", "*");
    const exposed = headerText(res, "Access-Control-Expose-Headers").split(",").map((name) => name.trim()).filter(Boolean);
    const missing = EXPOSED.filter((name) => !exposed.some((other) => other.toLowerCase() === name.toLowerCase()));
    res.setHeader("Access-Control-Expose-Headers", [...exposed, ...missing].join(", "));
}
/** Lets the pages of the given origins read the response and answers 403 to those of all others; without any given, every page may call. */
function allowOrigin(req, res, allowed) {
    if (allowed.length === 0)
        return true;
    res.appendHeader("Vary", "Origin");
    const { origin } = req.headers;
    if (origin === undefined)
        return true;
    if (!allowed.includes(origin) || (req.headersDistinct?.["origin"]?.length ?? 1) > 1) {
        sendError(req, res, 403, "access_denied", "Pages of this origin may not call this server");
        return false;
    }
    res.setHeader("Access-Control-Allow-Origin", origin);
    return true;
}
/** Answers OPTIONS without asking for a token: a browser's preflight never carries one. */
function sendPreflight(req, res, methods) {
    allowBrowsers(res);
    const asked = req.headers["access-control-request-headers"];
    res.statusCode = 204;
    res.setHeader("Allow", methods);
    res.setHeader("Access-Control-Allow-Methods", methods);
    res.setHeader("Access-Control-Allow-Headers", asked ? `${REQUEST_HEADERS}, ${asked}` : REQUEST_HEADERS);
    res.setHeader("Access-Control-Max-Age", "7200");
    res.appendHeader("Vary", "Access-Control-Request-Headers");
    res.setHeader("Content-Length", "0");
    res.end();
}
function headerText(res, name) {
    const value = res.getHeader(name);
    return Array.isArray(value) ? value.join(", ") : String(value ?? "");
}
