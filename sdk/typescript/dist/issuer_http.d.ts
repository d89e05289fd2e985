/** Requests to the issuer: bounded in time and size, redirects never followed, every failure one kind of error. */
/** The issuer cannot be asked right now. It is our trouble, so the caller is told to come back, never that its token is bad. */
export declare class IssuerUnavailable extends Error {
    readonly retryAfter: number;
    readonly status?: number | undefined;
    readonly name = "IssuerUnavailable";
    /** `status` is the issuer's answer, if there was one; `retryAfter` is in seconds. */
    constructor(message: string, retryAfter?: number, status?: number | undefined);
}
/** How requests are made; `timeout` is in milliseconds. */
export interface IssuerHttp {
    fetch: typeof globalThis.fetch;
    timeout: number;
}
/**
 * The version of the protocol between guard and project that this package speaks, and the header that names it in requests and answers. A
 * project from before there were versions names none and speaks the first.
 */
export declare const PROTOCOL = "1";
export declare const VERSION_HEADER = "Mcpauth-Guard-Version";
/** Whether an answer is of the version that was asked for; one of another version must not be read as this one. */
export declare function isSpoken(version: string | null | undefined): boolean;
/** Fetches a JSON object; throws {@link IssuerUnavailable} for anything but a 200 with one. */
export declare function fetchObject(http: IssuerHttp, url: string, init: RequestInit): Promise<Record<string, unknown>>;
