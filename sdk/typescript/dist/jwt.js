"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.readKeySet = readKeySet;
exports.verifyToken = verifyToken;
/** Verifies access tokens (RFC 9068) with the issuer's published keys. Strict: the key decides the algorithm, never the token. */
const node_crypto_1 = require("node:crypto");
const MOST_KEYS = 50;
const SHORTEST_RSA_BITS = 2048;
const TOLERANCE_SECONDS = 30;
const PART = /^[A-Za-z0-9_-]+$/;
/** Reads a JWKS (RFC 7517 section 5). Keys that are not public signing keys of a known kind are left out, as are key ids used twice. */
function readKeySet(document) {
    const keys = new Map();
    const twice = new Set();
    const published = Array.isArray(document["keys"]) ? document["keys"].slice(0, MOST_KEYS) : [];
    for (const jwk of published) {
        if (!isObject(jwk) || typeof jwk["kid"] !== "string" || jwk["kid"] === "")
            continue;
        if (keys.has(jwk["kid"]))
            twice.add(jwk["kid"]);
        const key = readKey(jwk);
        if (key)
            keys.set(jwk["kid"], key);
    }
    for (const kid of twice)
        keys.delete(kid);
    return keys;
}
function readKey(jwk) {
    const algorithm = algorithmOf(jwk);
    if (!algorithm || (jwk["use"] !== undefined && jwk["use"] !== "sig") || jwk["d"] !== undefined)
        return undefined;
    if (jwk["alg"] !== undefined && jwk["alg"] !== algorithm)
        return undefined;
    try {
        const key = (0, node_crypto_1.createPublicKey)({ key: jwk, format: "jwk" });
        if (algorithm === "RS256" && (key.asymmetricKeyDetails?.modulusLength ?? 0) < SHORTEST_RSA_BITS)
            return undefined;
        return { algorithm, key };
    }
    catch {
        return undefined;
    }
}
/** The algorithm follows from the kind of key, so that no header can choose another (RFC 8725 section 3.1). */
function algorithmOf(jwk) {
    if (jwk["kty"] === "EC" && jwk["crv"] === "P-256")
        return "ES256";
    if (jwk["kty"] === "OKP" && jwk["crv"] === "Ed25519")
        return "EdDSA";
    return jwk["kty"] === "RSA" ? "RS256" : undefined;
}
/** Verifies a token at a time in milliseconds since the epoch; `exp` and `nbf` are judged with 30 seconds of tolerance. */
function verifyToken(token, keys, expected, now) {
    const parts = token.split(".");
    const [head, body, signature] = parts;
    if (parts.length !== 3 || !parts.every((part) => PART.test(part)) || !head || !body || !signature)
        return bad("The access token is malformed");
    const header = decode(head);
    if (!header)
        return bad("The access token is malformed");
    const { typ, alg, kid } = header;
    if (typeof typ !== "string" || !/^(application\/)?at\+jwt$/i.test(typ))
        return bad("The token is not an access token");
    // RFC 7515 section 4.1.11: extensions that are not understood must be refused.
    if (header["crit"] !== undefined)
        return bad("The access token is malformed");
    const key = typeof kid === "string" ? keys.get(kid) : undefined;
    if (!key)
        return { kind: "unknown-key" };
    if (alg !== key.algorithm)
        return bad("The access token is signed with the wrong algorithm");
    if (!signed(key, `${head}.${body}`, Buffer.from(signature, "base64url")))
        return bad("The signature of the access token is wrong");
    const claims = decode(body);
    if (!claims)
        return bad("The access token is malformed");
    const judged = judge(claims, expected, now / 1000);
    return judged.kind === "bad" ? { ...judged, claims } : judged;
}
function signed({ algorithm, key }, input, signature) {
    const digest = algorithm === "EdDSA" ? null : "sha256";
    return (0, node_crypto_1.verify)(digest, Buffer.from(input), algorithm === "ES256" ? { key, dsaEncoding: "ieee-p1363" } : key, signature);
}
/** RFC 9068 section 4. The audience must be this resource and nothing else. */
function judge(claims, expected, now) {
    const { iss, aud, exp, nbf } = claims;
    if (typeof iss !== "string" || !expected.issuers.includes(iss))
        return bad("The access token comes from another issuer");
    const audiences = Array.isArray(aud) ? aud : [aud];
    if (audiences.length !== 1 || audiences[0] !== expected.resource)
        return bad("The access token was issued for another server", "other_server");
    if (typeof exp !== "number" || !Number.isFinite(exp) || exp + TOLERANCE_SECONDS <= now)
        return bad("The access token has expired", "expired");
    if (nbf !== undefined && (typeof nbf !== "number" || nbf - TOLERANCE_SECONDS > now))
        return bad("The access token is not valid yet");
    for (const member of ["sid", "client_id"]) {
        if (typeof claims[member] !== "string" || claims[member] === "")
            return bad(`The access token has no ${member}`);
    }
    return { kind: "verified", claims };
}
function decode(part) {
    try {
        const value = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
        return isObject(value) ? value : undefined;
    }
    catch {
        return undefined;
    }
}
function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
function bad(reason, cause) {
    return { kind: "bad", reason, cause };
}
