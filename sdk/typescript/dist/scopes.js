"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.assertScopes = assertScopes;
exports.scopesForMessages = scopesForMessages;
exports.calledTools = calledTools;
exports.withImplied = withImplied;
exports.union = union;
exports.markRequest = markRequest;
exports.requireScopes = requireScopes;
const answers_js_1 = require("./answers.js");
const MARK = Symbol.for("mcpauth.guard");
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** Throws a TypeError unless the value is a list of scope tokens (RFC 6749 section 3.3). */
function assertScopes(option, scopes) {
    if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === "string" && SCOPE.test(scope))) {
        throw new TypeError(`mcpAuth: ${option} must be a list of scopes (printable characters, no spaces)`);
    }
}
/** Returns the scopes the messages of one request need together. */
function scopesForMessages(rule, messages) {
    return union(...messages.map((message) => scopesForMessage(rule, message)));
}
function scopesForMessage(rule, message) {
    if (typeof rule === "function") {
        const scopes = rule(message) ?? [];
        assertScopes("the result of toolScopes()", scopes);
        return scopes;
    }
    return calledTools([message]).flatMap((name) => (Object.hasOwn(rule, name) ? (rule[name] ?? []) : []));
}
/** Returns the names of the tools that messages call. */
function calledTools(messages) {
    return messages.flatMap((message) => {
        const name = message.method === "tools/call" ? message.params?.name : undefined;
        return typeof name === "string" ? [name] : [];
    });
}
/** Returns the scopes with everything they include, directly or through others. */
function withImplied(scopes, implied) {
    const all = new Set(scopes);
    for (const scope of all) {
        if (Object.hasOwn(implied, scope))
            for (const included of implied[scope] ?? [])
                all.add(included);
    }
    return [...all];
}
/** Joins lists of scopes, each scope once, in order. */
function union(...lists) {
    return [...new Set(lists.flat())];
}
/** Remembers on the request what a later challenge must say. */
function markRequest(req, mark) {
    req[MARK] = mark;
}
/**
 * Returns a middleware for routes behind `mcpAuth` that lets only tokens with all these scopes through. Others get
 * 403 `insufficient_scope` with the scopes to ask for, so that the client can ask its user for more.
 */
function requireScopes(...scopes) {
    assertScopes("requireScopes()", scopes);
    if (scopes.length === 0)
        throw new TypeError("requireScopes: name at least one scope");
    return (req, res, next) => {
        const { auth } = req;
        const mark = req[MARK];
        if (!auth || !mark) {
            next(new Error("requireScopes: no token was checked; mount mcpAuth() before it"));
            return;
        }
        if (scopes.every((scope) => auth.scopes.includes(scope))) {
            next();
            return;
        }
        const description = "The access token lacks a scope this operation needs";
        (0, answers_js_1.sendError)(req, res, 403, "insufficient_scope", description, {
            "WWW-Authenticate": (0, answers_js_1.challenge)({
                error: "insufficient_scope",
                description,
                scopes: union(mark.baseScopes, scopes),
                metadataUrl: mark.metadataUrl,
            }),
        });
    };
}
