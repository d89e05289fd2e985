"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Warnings = void 0;
const MINUTE_MS = 60_000;
/** Limits what reaches the developer's log. */
class Warnings {
    warn;
    now;
    said = new Set();
    quietUntil = 0;
    constructor(warn, now) {
        this.warn = warn;
        this.now = now;
    }
    /** Says a message unless it was said before. */
    once(message) {
        if (this.said.has(message))
            return;
        this.said.add(message);
        this.warn(message);
    }
    /** Says why access cannot be checked. */
    trouble(error) {
        if (this.now() < this.quietUntil)
            return;
        this.quietUntil = this.now() + MINUTE_MS;
        this.warn(error.status === 401
            ? "mcpauth: the issuer refused the registration secret; requests get 503 until MCPAUTH_SECRET holds a valid one (the project's page makes a new one)."
            : `mcpauth: access cannot be checked, requests get 503: ${error.message}.`);
    }
}
exports.Warnings = Warnings;
