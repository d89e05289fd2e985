/** Counts which tools are called with which approval, and tells the project of it from time to time: never with which arguments. */
import type { Configuration } from "./configuration.js";
import type { IssuerHttp } from "./issuer_http.js";
/** How a request went. */
export type Outcome = "ok" | "error" | "refused";
/** What was wrong with a token, as the project is told. */
export type Cause = "expired" | "other_server" | "ended";
/** Why a call was refused: an OAuth error code, what was wrong with the token, and the scopes that the call needs. */
export interface Why {
    reason: string;
    cause?: Cause | undefined;
    needed?: string;
}
/** The reports of one guard. A request never waits for them; what does not get through is dropped. */
export declare class CallReports {
    private readonly http;
    private readonly secret;
    private readonly configuration;
    private readonly now;
    private entries;
    private timer;
    constructor(http: IssuerHttp, secret: string, configuration: () => Promise<Configuration>, now: () => number);
    /** Counts one call of each tool; without any, a request that calls none. */
    add(sid: string, tools: readonly string[], outcome: Outcome, why?: Why): void;
    /** Tells what was counted. */
    flush(): Promise<void>;
}
