"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.CallReports = void 0;
/** The pause between two reports, in milliseconds. */
const EVERY = 10_000;
/** How many different entries cause a report at once, and how many are kept when none gets through. */
const FULL = 200;
const MOST = 400;
const LONGEST_TOOL = 128;
/** Reports with something to tell: a process that runs out of work tells it before it ends. */
const waiting = new Set();
let announced = false;
function tellBeforeExit(reports) {
    waiting.add(reports);
    if (announced)
        return;
    announced = true;
    process.on("beforeExit", () => {
        for (const each of waiting)
            void each.flush();
    });
}
/** The reports of one guard. A request never waits for them; what does not get through is dropped. */
class CallReports {
    http;
    secret;
    configuration;
    now;
    entries = new Map();
    timer;
    constructor(http, secret, configuration, now) {
        this.http = http;
        this.secret = secret;
        this.configuration = configuration;
        this.now = now;
    }
    /** Counts one call of each tool; without any, a request that calls none. */
    add(sid, tools, outcome, why) {
        for (const name of tools.length > 0 ? tools : [""]) {
            const tool = printable(name);
            const key = JSON.stringify([sid, tool, outcome, why]);
            let entry = this.entries.get(key);
            if (!entry) {
                if (this.entries.size >= MOST)
                    continue;
                entry = { sid, outcome, count: 0, at: 0, ...(tool && { tool }), ...why };
                this.entries.set(key, entry);
            }
            entry.count += 1;
            entry.at = Math.floor(this.now() / 1000);
        }
        if (!this.timer) {
            this.timer = setTimeout(() => void this.flush(), EVERY).unref();
            tellBeforeExit(this);
        }
        else if (this.entries.size === FULL)
            void this.flush();
    }
    /** Tells what was counted. */
    async flush() {
        const calls = [...this.entries.values()];
        this.entries = new Map();
        clearTimeout(this.timer);
        this.timer = undefined;
        waiting.delete(this);
        if (calls.length === 0)
            return;
        try {
            const { callsEndpoint } = await this.configuration();
            if (!callsEndpoint)
                return;
            const response = await this.http.fetch(callsEndpoint, {
                method: "POST", redirect: "manual", signal: AbortSignal.timeout(this.http.timeout),
                headers: { Authorization: `Bearer ${this.secret}`, "Content-Type": "application/json" },
                body: JSON.stringify({ calls }),
            });
            await response.body?.cancel();
        }
        catch {
            // Statistics: not worth a retry, and no reason to warn.
        }
    }
}
exports.CallReports = CallReports;
function printable(name) {
    return [...name.replace(/[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/gu, "?")].slice(0, LONGEST_TOOL).join("");
}
