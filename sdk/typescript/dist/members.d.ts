/**
 * Refuses messages that two parsers can read in two ways. Parsers differ in which of two members of one name counts and in
 * whether case matters, and `JSON.parse` does not say that there was another, so the text itself is looked through.
 */
import type { JsonRpcMessage } from "./types.js";
/** The names that occur more than once in one message, and in its params. */
export interface Repeated {
    message: readonly string[];
    params: readonly string[];
}
/** Which members decide what a message asks for: those that name a tool, or any, when a function of the developer judges. */
export type Deciding = "tool" | "any";
/** Whether a message can be read in one way only; `repeated` is missing where somebody parsed it before. */
export declare function isUnambiguous(message: JsonRpcMessage, repeated: Repeated | undefined, deciding: Deciding): boolean;
/** Finds what is repeated in each message of a request; `json` must have passed `JSON.parse`. */
export declare function findRepeated(json: string): Repeated[];
