import type { Cause } from "./calls.js";
import { type Configuration } from "./configuration.js";
import { type IssuerHttp } from "./issuer_http.js";
import type { Settings } from "./options.js";
import type { AuthInfo } from "./types.js";
/** Good, with who is calling; or bad, with a reason in printable ASCII without quotes. */
export type Verdict = {
    good: true;
    auth: AuthInfo;
} | {
    good: false;
    reason: string;
    sid?: string;
    cause?: Cause | undefined;
};
/** Checks tokens, remembering the issuer's answers for `cacheSeconds` at most. */
export declare class TokenChecker {
    private readonly settings;
    private readonly http;
    private readonly now;
    private readonly feed;
    private readonly keys;
    /** What users are called, by grant: only the issuer tells, when it is asked about the first token of a grant. */
    private readonly names;
    private configuration;
    private readonly good;
    private readonly bad;
    private readonly pending;
    constructor(settings: Settings, http: IssuerHttp, now: () => number);
    /** Ends what runs in the background; tokens are asked about from then on. */
    close(): void;
    /** Judges a token; throws {@link IssuerUnavailable} when the issuer cannot be asked. */
    check(token: string, configuration: Configuration): Promise<Verdict>;
    /** The verdict found without asking about this token, or undefined when keys and feed are not up to date or do not suffice. */
    private checkHere;
    private remembered;
    /** The time counts from when the question was asked: the answer is as old as that. */
    private remember;
    private ask;
    private judge;
}
