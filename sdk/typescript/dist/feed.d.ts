import { type IssuerHttp } from "./issuer_http.js";
/** Where the feed is and how it is asked. */
export interface FeedOptions {
    http: IssuerHttp;
    secret: string;
    /** Streams do not go through a `fetch` of the customer's, which may buffer them: it is polled with. */
    streams: boolean;
    now: () => number;
}
/** The feed of one MCP server. */
export declare class RevocationFeed {
    private readonly options;
    private readonly revoked;
    private readonly abort;
    private running;
    private connected;
    private suspended;
    private heard;
    private used;
    private swept;
    private cursor;
    constructor(options: FeedOptions);
    /** Whether the feed can be relied on at this moment; the first call begins to follow it. */
    fresh(address: string): boolean;
    /** Whether an approval ended. That is final, so it counts whether or not the feed is up to date. */
    refuses(sid: unknown): boolean;
    /** Whether the project refuses everything. */
    get refusesAll(): boolean;
    /** How many ended approvals are remembered. */
    get size(): number;
    /** Ends the feed for good. */
    close(): void;
    private get over();
    private follow;
    /** Reads events until the connection ends, which is an error, or is found to be buffered. */
    private stream;
    private poll;
    private hear;
    /** Takes in one message. Nothing is forgotten before its time, not even by a snapshot: a restored database may lack it. */
    private take;
    private pause;
}
