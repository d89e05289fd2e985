"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.authInfo = authInfo;
/** Returns who is calling, or undefined when the request did not pass `mcpAuth`. */
function authInfo(req) {
    return req.auth;
}
