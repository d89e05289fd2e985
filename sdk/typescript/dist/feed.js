"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.RevocationFeed = void 0;
/**
 * Follows the project's feed of ended approvals, so that a token is refused within a second although it is verified here. Whenever
 * the feed is not connected and up to date it says so, and tokens are asked about instead.
 */
const node_http_1 = __importDefault(require("node:http"));
const node_https_1 = __importDefault(require("node:https"));
const issuer_http_js_1 = require("./issuer_http.js");
/** How long the feed may be silent before it is distrusted: three of its beats. In milliseconds, like all that follow. */
const SILENCE = 15_000;
/** How long a stream may keep its first event back before it is taken for buffered on the way. */
const FIRST = 5_000;
/** What a poll waits for news, in seconds: less than the silence, so that its answer comes in time. */
const POLL_SECONDS = 8;
/** The least time between two polls. */
const SHORTEST_POLL = 250;
/** How many polls are made before a stream is tried again. */
const POLLS = 60;
/** How long the feed is followed without a request. */
const IDLE = 600_000;
const LONGEST_BACKOFF = 30_000;
const SWEEP = 60_000;
/** The longest event, in characters: room for about 100,000 ended approvals. */
const LONGEST_EVENT = 8 * 1024 * 1024;
/** The feed of one MCP server. */
class RevocationFeed {
    options;
    revoked = new Map();
    abort = new AbortController();
    running = false;
    connected = false;
    suspended = false;
    heard = -Infinity;
    used = 0;
    swept = 0;
    cursor = "";
    constructor(options) {
        this.options = options;
    }
    /** Whether the feed can be relied on at this moment; the first call begins to follow it. */
    fresh(address) {
        const now = this.options.now();
        this.used = now;
        if (!this.running && !this.abort.signal.aborted) {
            this.running = true;
            void this.follow(address).finally(() => {
                this.running = false;
                this.connected = false;
            });
        }
        return this.connected && now - this.heard < SILENCE;
    }
    /** Whether an approval ended. That is final, so it counts whether or not the feed is up to date. */
    refuses(sid) {
        return typeof sid === "string" && this.revoked.has(sid);
    }
    /** Whether the project refuses everything. */
    get refusesAll() {
        return this.connected && this.suspended;
    }
    /** How many ended approvals are remembered. */
    get size() {
        return this.revoked.size;
    }
    /** Ends the feed for good. */
    close() {
        this.abort.abort();
    }
    get over() {
        return this.abort.signal.aborted || this.options.now() - this.used > IDLE;
    }
    async follow(address) {
        let polls = this.options.streams ? 0 : Infinity;
        for (let failures = 0; !this.over;) {
            const before = this.heard;
            try {
                if (polls > 0) {
                    await this.poll(address);
                    polls -= 1;
                }
                else if ((await this.stream(address)) === "buffered") {
                    polls = POLLS;
                    continue;
                }
                failures = 0;
            }
            catch (error) {
                this.connected = false;
                if (this.heard !== before)
                    failures = 0;
                const asked = error instanceof issuer_http_js_1.IssuerUnavailable && error.status !== undefined ? error.retryAfter * 1000 : 0;
                const backoff = failures === 0 ? 0 : Math.max(asked, Math.min(LONGEST_BACKOFF, 500 * 2 ** failures));
                failures += 1;
                await this.pause(backoff + Math.random() * 250);
            }
        }
    }
    /** Reads events until the connection ends, which is an error, or is found to be buffered. */
    stream(address) {
        return new Promise((resolve, reject) => {
            const { secret } = this.options;
            const headers = { Authorization: `Bearer ${secret}`, Accept: "text/event-stream", "Cache-Control": "no-cache", [issuer_http_js_1.VERSION_HEADER]: issuer_http_js_1.PROTOCOL };
            if (this.cursor)
                headers["Last-Event-ID"] = this.cursor;
            const request = (address.startsWith("https:") ? node_https_1.default : node_http_1.default).get(address, { headers, agent: false, signal: this.abort.signal });
            let begun = false;
            let watchdog;
            const settle = (finish) => {
                clearTimeout(watchdog);
                request.destroy();
                finish();
            };
            const lost = (why, retryAfter, status) => settle(() => reject(new issuer_http_js_1.IssuerUnavailable(`the feed of revocations ${why}`, retryAfter, status)));
            const watch = () => {
                clearTimeout(watchdog);
                watchdog = setTimeout(() => (begun ? lost("is silent") : settle(() => resolve("buffered"))), begun ? SILENCE : FIRST).unref();
            };
            watch();
            request.on("socket", (socket) => socket.unref());
            request.on("error", () => lost("could not be reached"));
            request.on("response", (response) => {
                if (response.statusCode !== 200)
                    return lost(`answered ${response.statusCode}`, Number(response.headers["retry-after"]) || 1, response.statusCode);
                if (!(0, issuer_http_js_1.isSpoken)(response.headers[issuer_http_js_1.VERSION_HEADER.toLowerCase()]?.toString()))
                    return lost("speaks another version than was asked for");
                if (!/^text\/event-stream\b/i.test(response.headers["content-type"] ?? ""))
                    return settle(() => resolve("buffered"));
                let rest = "";
                response.setEncoding("utf8");
                response.on("data", (chunk) => {
                    rest += chunk;
                    const lines = rest.split("\n");
                    rest = lines.pop() ?? "";
                    if (rest.length > LONGEST_EVENT)
                        return lost("sent too long an event");
                    for (const line of lines) {
                        if (line.startsWith(":") && begun)
                            this.hear();
                        if (!line.startsWith("data: "))
                            continue;
                        begun = true;
                        try {
                            this.take(JSON.parse(line.slice(6)));
                        }
                        catch {
                            return lost("sent what cannot be read");
                        }
                    }
                    watch();
                    if (this.over)
                        settle(() => resolve("idle"));
                });
                response.on("end", () => lost("ended"));
                response.on("error", () => lost("broke off"));
            });
        });
    }
    async poll(address) {
        const { http, secret } = this.options;
        const query = new URLSearchParams({ cursor: this.cursor, wait: this.cursor ? String(POLL_SECONDS) : "0" });
        const patient = {
            timeout: SILENCE,
            fetch: async (input, init) => {
                const response = await http.fetch(input, init);
                if (!(0, issuer_http_js_1.isSpoken)(response.headers.get(issuer_http_js_1.VERSION_HEADER)))
                    throw new issuer_http_js_1.IssuerUnavailable("another version");
                return response;
            },
        };
        const pause = this.pause(SHORTEST_POLL); // something on the way may answer without waiting
        this.take(await (0, issuer_http_js_1.fetchObject)(patient, `${address}?${query}`, { headers: { Authorization: `Bearer ${secret}`, Accept: "application/json" } }));
        await (this.suspended ? this.pause(FIRST) : pause); // of a suspension is told at once
    }
    hear() {
        this.connected = true;
        this.heard = this.options.now();
    }
    /** Takes in one message. Nothing is forgotten before its time, not even by a snapshot: a restored database may lack it. */
    take(message) {
        const { cursor, suspended, revoked } = message;
        if (typeof cursor !== "string" || !Array.isArray(revoked))
            throw new issuer_http_js_1.IssuerUnavailable("the feed of revocations sent what cannot be read");
        for (const { sid, until } of revoked) {
            if (typeof sid === "string" && typeof until === "number")
                this.revoked.set(sid, Math.max(until, this.revoked.get(sid) ?? 0));
        }
        this.cursor = cursor;
        this.suspended = suspended === true;
        this.hear();
        if (this.heard - this.swept > SWEEP) {
            this.swept = this.heard;
            for (const [sid, until] of this.revoked)
                if (until * 1000 + SWEEP < this.heard)
                    this.revoked.delete(sid);
        }
    }
    pause(milliseconds) {
        return new Promise((resolve) => {
            const done = () => {
                clearTimeout(timer);
                this.abort.signal.removeEventListener("abort", done);
                resolve();
            };
            const timer = setTimeout(done, milliseconds).unref();
            this.abort.signal.addEventListener("abort", done);
        });
    }
}
exports.RevocationFeed = RevocationFeed;
