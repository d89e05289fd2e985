import { type Deciding } from "./members.js";
import type { GuardedRequest, JsonRpcMessage } from "./types.js";
/** The request cannot be read; `status` is 400, 413 or 415. */
export declare class UnreadableRequest extends Error {
    readonly status: number;
    readonly name = "UnreadableRequest";
    constructor(status: number, message: string);
}
/** The client went away before the request was complete: there is nobody to answer. */
export declare class RequestAborted extends Error {
    readonly name = "RequestAborted";
}
/** Returns the messages of a request, none for methods without a body; `deciding` says what nobody may be able to read otherwise. */
export declare function readMessages(req: GuardedRequest, deciding: Deciding): Promise<JsonRpcMessage[]>;
/** Whether a request's messages can be read at little cost and without refusing what the next handler might take. */
export declare function isReadable(req: GuardedRequest): boolean;
