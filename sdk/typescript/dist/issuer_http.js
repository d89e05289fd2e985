"use strict";
/** Requests to the issuer: bounded in time and size, redirects never followed, every failure one kind of error. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.VERSION_HEADER = exports.PROTOCOL = exports.IssuerUnavailable = void 0;
exports.isSpoken = isSpoken;
exports.fetchObject = fetchObject;
/** The issuer cannot be asked right now. It is our trouble, so the caller is told to come back, never that its token is bad. */
class IssuerUnavailable extends Error {
    retryAfter;
    status;
    name = "IssuerUnavailable";
    /** `status` is the issuer's answer, if there was one; `retryAfter` is in seconds. */
    constructor(message, retryAfter = 1, status) {
        super(message);
        this.retryAfter = retryAfter;
        this.status = status;
    }
}
exports.IssuerUnavailable = IssuerUnavailable;
/**
 * The version of the protocol between guard and project that this package speaks, and the header that names it in requests and answers. A
 * project from before there were versions names none and speaks the first.
 */
exports.PROTOCOL = "1";
exports.VERSION_HEADER = "Mcpauth-Guard-Version";
/** Whether an answer is of the version that was asked for; one of another version must not be read as this one. */
function isSpoken(version) {
    return version === null || version === undefined || version === exports.PROTOCOL;
}
const LARGEST_ANSWER = 256 * 1024;
/** Fetches a JSON object; throws {@link IssuerUnavailable} for anything but a 200 with one. */
async function fetchObject(http, url, init) {
    const abort = new AbortController();
    let timer;
    const expired = new Promise((_, reject) => {
        timer = setTimeout(() => {
            abort.abort();
            reject(new IssuerUnavailable(`${place(url)} did not answer within ${http.timeout} ms`));
        }, http.timeout);
    });
    try {
        return await Promise.race([exchange(http, url, { ...init, signal: abort.signal, redirect: "manual" }), expired]);
    }
    finally {
        clearTimeout(timer);
    }
}
async function exchange(http, url, init) {
    let response;
    try {
        response = await http.fetch(url, init);
    }
    catch (error) {
        throw new IssuerUnavailable(`${place(url)} could not be reached${causeCode(error)}`);
    }
    if (response.status !== 200) {
        response.body?.cancel?.().catch(() => undefined);
        throw new IssuerUnavailable(`${place(url)} answered ${response.status}`, retryAfterOf(response), response.status);
    }
    let value;
    try {
        value = JSON.parse(await boundedText(response));
    }
    catch {
        throw new IssuerUnavailable(`${place(url)} did not answer with JSON`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
        throw new IssuerUnavailable(`${place(url)} did not answer with a JSON object`);
    return value;
}
async function boundedText(response) {
    if (!response.body)
        return response.text();
    const chunks = [];
    let size = 0;
    for await (const chunk of response.body) {
        size += chunk.byteLength;
        if (size > LARGEST_ANSWER)
            throw new Error("too large");
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
}
/** Seconds from a Retry-After header, 1 to 60; a date counts as 1. */
function retryAfterOf(response) {
    const seconds = Number(response.headers.get("retry-after") ?? "1");
    return Number.isFinite(seconds) ? Math.min(60, Math.max(1, Math.ceil(seconds))) : 1;
}
/** An address fit for a log: no query, no user name. */
function place(url) {
    const { origin, pathname } = new URL(url);
    return origin + pathname;
}
function causeCode(error) {
    const code = (error?.cause ?? error)?.code;
    return typeof code === "string" ? ` (${code})` : "";
}
