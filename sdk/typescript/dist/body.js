"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.RequestAborted = exports.UnreadableRequest = void 0;
exports.readMessages = readMessages;
exports.isReadable = isReadable;
const members_js_1 = require("./members.js");
/** The request cannot be read; `status` is 400, 413 or 415. */
class UnreadableRequest extends Error {
    status;
    name = "UnreadableRequest";
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}
exports.UnreadableRequest = UnreadableRequest;
/** The client went away before the request was complete: there is nobody to answer. */
class RequestAborted extends Error {
    name = "RequestAborted";
}
exports.RequestAborted = RequestAborted;
const LARGEST_BODY = 4 * 1024 * 1024;
const LITTLE_BODY = 1024 * 1024;
const WITHOUT_BODY = new Set(["GET", "HEAD", "DELETE"]);
/** Returns the messages of a request, none for methods without a body; `deciding` says what nobody may be able to read otherwise. */
async function readMessages(req, deciding) {
    if (WITHOUT_BODY.has(req.method))
        return [];
    // What somebody parsed before is what the handler sees, whatever the text said.
    const text = wasParsed(req) ? undefined : decode(await rawBody(req));
    const value = text === undefined ? req.body : parse(text);
    const messages = Array.isArray(value) ? value : [value];
    if (!messages.every(isMessage))
        throw new UnreadableRequest(400, "The request is not a JSON-RPC message");
    const repeated = text === undefined ? [] : (0, members_js_1.findRepeated)(text);
    if (!messages.every((message, index) => (0, members_js_1.isUnambiguous)(message, repeated[index], deciding))) {
        throw new UnreadableRequest(400, "The request is ambiguous: a member that decides what is called occurs twice or in another spelling");
    }
    return messages;
}
function isMessage(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
/** Whether a request's messages can be read at little cost and without refusing what the next handler might take. */
function isReadable(req) {
    if (WITHOUT_BODY.has(req.method))
        return false;
    const length = Number(req.headers["content-length"]);
    return wasParsed(req) || (length > 0 && length <= LITTLE_BODY && plainEncoding(req) && !req.readableEnded);
}
/** Express 4 sets an empty body on requests no parser took, so an empty object counts only once the stream was read. */
function wasParsed(req) {
    const { body } = req;
    if (typeof body !== "object" || body === null || Buffer.isBuffer(body))
        return false;
    return req.readableEnded || Object.keys(body).length > 0;
}
async function rawBody(req) {
    if (Buffer.isBuffer(req.body))
        return req.body;
    if (typeof req.body === "string")
        return Buffer.from(req.body);
    if (!plainEncoding(req))
        throw new UnreadableRequest(415, "Send the message as uncompressed UTF-8");
    return peek(req, LARGEST_BODY);
}
/** Only UTF-8: in another charset the same bytes can name another tool. */
function plainEncoding(req) {
    const encoding = req.headers["content-encoding"];
    const charset = /charset\s*=\s*"?([^";\s]*)/i.exec(req.headers["content-type"] ?? "")?.[1];
    return (encoding === undefined || encoding.toLowerCase() === "identity") && (charset === undefined || charset.toLowerCase() === "utf-8");
}
/** A byte order mark stays in the text, so that it is refused: some parsers skip it. */
function decode(bytes) {
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    }
    catch {
        throw new UnreadableRequest(400, "The request is not UTF-8");
    }
}
function parse(json) {
    try {
        return JSON.parse(json);
    }
    catch {
        throw new UnreadableRequest(400, "The request is not JSON");
    }
}
/** Reads a stream to its end and puts everything back before the end is announced. */
function peek(req, limit) {
    return new Promise((resolve, reject) => {
        if (req.readableEnded) {
            reject(new UnreadableRequest(400, "The request has no readable body"));
            return;
        }
        if (req.destroyed) {
            reject(new RequestAborted());
            return;
        }
        const chunks = [];
        let size = 0;
        const settle = (finish) => {
            req.removeListener("readable", onReadable).removeListener("end", onEnd);
            req.removeListener("close", onLost).removeListener("error", onLost);
            finish();
        };
        const onLost = () => settle(() => reject(new RequestAborted()));
        const onEnd = () => settle(() => resolve(Buffer.concat(chunks)));
        const onReadable = () => {
            for (let chunk; (chunk = req.read()) !== null;) {
                size += chunk.length;
                chunks.push(chunk);
                if (size > limit) {
                    settle(() => reject(new UnreadableRequest(413, "The request is larger than 4 MiB")));
                    return;
                }
            }
            if (!req.complete || size === 0)
                return;
            const whole = Buffer.concat(chunks);
            settle(() => {
                req.unshift(whole);
                resolve(whole);
            });
        };
        req.on("readable", onReadable).on("end", onEnd).on("close", onLost).on("error", onLost);
    });
}
