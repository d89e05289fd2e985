"use strict";
/** Reads a registration secret: the address it carries says whom to ask. No message here ever repeats the secret. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.addressOfSecret = addressOfSecret;
exports.addressProblem = addressProblem;
exports.isThisMachine = isThisMachine;
const SECRET = /^mcpauth_rs_([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/;
/** Returns the address inside a registration secret; throws a TypeError that says what to do otherwise. */
function addressOfSecret(secret) {
    if (secret === undefined || secret === null || secret === "") {
        throw new TypeError("mcpAuth: registrationSecret is missing. Set the environment variable MCPAUTH_SECRET to the registration secret " +
            "of this MCP server (shown once on the project's page) and pass it as registrationSecret: process.env.MCPAUTH_SECRET.");
    }
    const match = typeof secret === "string" ? SECRET.exec(secret) : null;
    if (!match?.[1]) {
        throw new TypeError("mcpAuth: registrationSecret is not a registration secret. It starts with mcpauth_rs_ and must be copied whole; check MCPAUTH_SECRET.");
    }
    const address = Buffer.from(match[1], "base64url").toString("utf8");
    const problem = addressProblem(address);
    if (problem)
        throw new TypeError(`mcpAuth: the address inside registrationSecret ${problem}; check MCPAUTH_SECRET.`);
    return address;
}
/** Says what is wrong with an issuer address, or returns undefined: https (http on this machine only), no trailing slash, nothing after the path. */
function addressProblem(address) {
    let url;
    try {
        url = new URL(address);
    }
    catch {
        return "is not a URL";
    }
    if (url.protocol !== "https:" && !(url.protocol === "http:" && isThisMachine(url.hostname))) {
        return "must use https (http is allowed for localhost only)";
    }
    if (url.username || url.password || /[?#]/.test(address))
        return "must not have a user name, a query or a fragment";
    if (address.endsWith("/"))
        return "must not end with a slash";
    return undefined;
}
/** Reports whether a URL's host name can only mean the machine the program runs on. */
function isThisMachine(hostname) {
    const name = hostname.toLowerCase();
    return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}
