/** What the guard tells the developer: each thing once, trouble with the issuer at most once a minute. */
import type { IssuerUnavailable } from "./issuer_http.js";
/** Limits what reaches the developer's log. */
export declare class Warnings {
    private readonly warn;
    private readonly now;
    private readonly said;
    private quietUntil;
    constructor(warn: (message: string) => void, now: () => number);
    /** Says a message unless it was said before. */
    once(message: string): void;
    /** Says why access cannot be checked. */
    trouble(error: IssuerUnavailable): void;
}
