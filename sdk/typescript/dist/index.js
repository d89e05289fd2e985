"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.authInfo = exports.requireScopes = void 0;
exports.mcpAuth = mcpAuth;
/**
 * mcpauth for MCP servers on Express. This package owns the guard of one MCP server: it verifies tokens with the keys and
 * the feed of revocations of the project's issuer, asks it where these do not suffice, and publishes where clients find that issuer. It imports nothing but Node.js and, at run time, the MCP SDK the
 * application has installed.
 */
const guard_js_1 = require("./guard.js");
const options_js_1 = require("./options.js");
const sdk_js_1 = require("./sdk.js");
var scopes_js_1 = require("./scopes.js");
Object.defineProperty(exports, "requireScopes", { enumerable: true, get: function () { return scopes_js_1.requireScopes; } });
var types_js_1 = require("./types.js");
Object.defineProperty(exports, "authInfo", { enumerable: true, get: function () { return types_js_1.authInfo; } });
const ISSUER_TIMEOUT_MS = 5_000;
/**
 * Guards an MCP server: `app.use("/mcp", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }))`.
 * Requests with a valid token go on with `req.auth` set; all others are answered. It also serves the metadata with which
 * clients find the project's issuer. Throws a TypeError for options that cannot work and an Error when no MCP SDK is
 * installed; an issuer that cannot be reached is never a reason to throw.
 */
function mcpAuth(options) {
    return new guard_js_1.Guard((0, options_js_1.readOptions)(options), { sdk: (0, sdk_js_1.loadSdk)(), now: Date.now, timeout: ISSUER_TIMEOUT_MS }).handler;
}
