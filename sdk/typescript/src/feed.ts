/**
 * Follows the project's feed of ended approvals, so that a token is refused within a second although it is verified here. Whenever
 * the feed is not connected and up to date it says so, and tokens are asked about instead.
 */
import http from "node:http";
import https from "node:https";
import { fetchObject, isSpoken, IssuerUnavailable, PROTOCOL, VERSION_HEADER, type IssuerHttp } from "./issuer_http.js";

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

/** Where the feed is and how it is asked. */
export interface FeedOptions {
  http: IssuerHttp;
  secret: string;
  /** Streams do not go through a `fetch` of the customer's, which may buffer them: it is polled with. */
  streams: boolean;
  now: () => number;
}

/** The feed of one MCP server. */
export class RevocationFeed {
  private readonly revoked = new Map<string, number>();
  private readonly abort = new AbortController();
  private running = false;
  private connected = false;
  private suspended = false;
  private heard = -Infinity;
  private used = 0;
  private swept = 0;
  private cursor = "";

  constructor(private readonly options: FeedOptions) {}

  /** Whether the feed can be relied on at this moment; the first call begins to follow it. */
  fresh(address: string): boolean {
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
  refuses(sid: unknown): boolean {
    return typeof sid === "string" && this.revoked.has(sid);
  }

  /** Whether the project refuses everything. */
  get refusesAll(): boolean {
    return this.connected && this.suspended;
  }

  /** How many ended approvals are remembered. */
  get size(): number {
    return this.revoked.size;
  }

  /** Ends the feed for good. */
  close(): void {
    this.abort.abort();
  }

  private get over(): boolean {
    return this.abort.signal.aborted || this.options.now() - this.used > IDLE;
  }

  private async follow(address: string): Promise<void> {
    let polls = this.options.streams ? 0 : Infinity;
    for (let failures = 0; !this.over; ) {
      const before = this.heard;
      try {
        if (polls > 0) {
          await this.poll(address);
          polls -= 1;
        } else if ((await this.stream(address)) === "buffered") {
          polls = POLLS;
          continue;
        }
        failures = 0;
      } catch (error) {
        this.connected = false;
        if (this.heard !== before) failures = 0;
        const asked = error instanceof IssuerUnavailable && error.status !== undefined ? error.retryAfter * 1000 : 0;
        const backoff = failures === 0 ? 0 : Math.max(asked, Math.min(LONGEST_BACKOFF, 500 * 2 ** failures));
        failures += 1;
        await this.pause(backoff + Math.random() * 250);
      }
    }
  }

  /** Reads events until the connection ends, which is an error, or is found to be buffered. */
  private stream(address: string): Promise<"buffered" | "idle"> {
    return new Promise((resolve, reject) => {
      const { secret } = this.options;
      const headers: Record<string, string> = { Authorization: `Bearer ${secret}`, Accept: "text/event-stream", "Cache-Control": "no-cache", [VERSION_HEADER]: PROTOCOL };
      if (this.cursor) headers["Last-Event-ID"] = this.cursor;
      const request = (address.startsWith("https:") ? https : http).get(address, { headers, agent: false, signal: this.abort.signal });
      let begun = false;
      let watchdog: NodeJS.Timeout | undefined;
      const settle = (finish: () => void): void => {
        clearTimeout(watchdog);
        request.destroy();
        finish();
      };
      const lost = (why: string, retryAfter?: number, status?: number): void => settle(() => reject(new IssuerUnavailable(`the feed of revocations ${why}`, retryAfter, status)));
      const watch = (): void => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => (begun ? lost("is silent") : settle(() => resolve("buffered"))), begun ? SILENCE : FIRST).unref();
      };
      watch();
      request.on("socket", (socket) => socket.unref());
      request.on("error", () => lost("could not be reached"));
      request.on("response", (response) => {
        if (response.statusCode !== 200) return lost(`answered ${response.statusCode}`, Number(response.headers["retry-after"]) || 1, response.statusCode);
        if (!isSpoken(response.headers[VERSION_HEADER.toLowerCase()]?.toString())) return lost("speaks another version than was asked for");
        if (!/^text\/event-stream\b/i.test(response.headers["content-type"] ?? "")) return settle(() => resolve("buffered"));
        let rest = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          rest += chunk;
          const lines = rest.split("\n");
          rest = lines.pop() ?? "";
          if (rest.length > LONGEST_EVENT) return lost("sent too long an event");
          for (const line of lines) {
            if (line.startsWith(":") && begun) this.hear();
            if (!line.startsWith("data: ")) continue;
            begun = true;
            try {
              this.take(JSON.parse(line.slice(6)));
            } catch {
              return lost("sent what cannot be read");
            }
          }
          watch();
          if (this.over) settle(() => resolve("idle"));
        });
        response.on("end", () => lost("ended"));
        response.on("error", () => lost("broke off"));
      });
    });
  }

  private async poll(address: string): Promise<void> {
    const { http, secret } = this.options;
    const query = new URLSearchParams({ cursor: this.cursor, wait: this.cursor ? String(POLL_SECONDS) : "0" });
    const patient: IssuerHttp = {
      timeout: SILENCE,
      fetch: async (input, init) => {
        const response = await http.fetch(input, init);
        if (!isSpoken(response.headers.get(VERSION_HEADER))) throw new IssuerUnavailable("another version");
        return response;
      },
    };
    const pause = this.pause(SHORTEST_POLL); // something on the way may answer without waiting
    this.take(await fetchObject(patient, `${address}?${query}`, { headers: { Authorization: `Bearer ${secret}`, Accept: "application/json" } }));
    await (this.suspended ? this.pause(FIRST) : pause); // of a suspension is told at once
  }

  private hear(): void {
    this.connected = true;
    this.heard = this.options.now();
  }

  /** Takes in one message. Nothing is forgotten before its time, not even by a snapshot: a restored database may lack it. */
  private take(message: unknown): void {
    const { cursor, suspended, revoked } = message as { cursor?: unknown; suspended?: unknown; revoked?: unknown };
    if (typeof cursor !== "string" || !Array.isArray(revoked)) throw new IssuerUnavailable("the feed of revocations sent what cannot be read");
    for (const { sid, until } of revoked as { sid?: unknown; until?: unknown }[]) {
      if (typeof sid === "string" && typeof until === "number") this.revoked.set(sid, Math.max(until, this.revoked.get(sid) ?? 0));
    }
    this.cursor = cursor;
    this.suspended = suspended === true;
    this.hear();
    if (this.heard - this.swept > SWEEP) {
      this.swept = this.heard;
      for (const [sid, until] of this.revoked) if (until * 1000 + SWEEP < this.heard) this.revoked.delete(sid);
    }
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.abort.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds).unref();
      this.abort.signal.addEventListener("abort", done);
    });
  }
}
