/** Counts which tools are called with which approval, and tells the project of it from time to time: never with which arguments. */
import type { Configuration } from "./configuration.js";
import type { IssuerHttp } from "./issuer_http.js";
/** How a request went. */
export type Outcome = "ok" | "error" | "refused";
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
    add(sid: string, tools: readonly string[], outcome: Outcome, reason?: string): void;
    /** Tells what was counted. */
    flush(): Promise<void>;
}
