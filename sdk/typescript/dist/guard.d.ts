import type { Settings } from "./options.js";
import type { BearerSdk } from "./sdk.js";
import type { ClosableMiddleware } from "./types.js";
/** What a guard takes from its surroundings; tests replace it. `timeout` is in milliseconds, `now` in milliseconds since the epoch. */
export interface Surroundings {
    sdk: BearerSdk;
    now: () => number;
    timeout: number;
}
/** One guard. It holds the configuration and the token cache of one MCP server. */
export declare class Guard {
    private readonly settings;
    private readonly around;
    private readonly mounted;
    private readonly http;
    private readonly configuration;
    private readonly issuerMetadata;
    private readonly tokens;
    private readonly calls;
    private readonly warnings;
    constructor(settings: Settings, around: Surroundings);
    /** The function to pass to `app.use`. */
    get handler(): ClosableMiddleware;
    /** Ends what runs in the background and tells the project of the last calls. */
    private close;
    private answer;
    private check;
    private judge;
    /** Lets the SDK's own middleware answer or pass the request; its challenge gets the scopes this operation needs. */
    private delegate;
    private answerWellKnown;
    /** Finds the document at a path; `nested` accepts it at any depth below the mount. */
    private documentAt;
    /** Chooses the metadata address that clients of this request can reach; it is always built from the project's own URL. */
    private metadataUrlFor;
}
