/**
 * How the guard learns where it is. Express 4 and 5 treat a function with `handle`, `set` and `emit` as a sub-application
 * and tell it where it was mounted; through that the guard reaches the application it belongs to and answers the
 * well-known paths there, which lie outside its own mount path.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Middleware, Next } from "./types.js";
/** What a guard does for its applications. */
export interface Mountable {
    /** Answers a request below the mount path; `told` says whether an application announced the mount. */
    guard(req: IncomingMessage, res: ServerResponse, next: Next, told: boolean): void;
    /** Answers a request for a well-known path of the application, or passes it on. */
    wellKnown(req: IncomingMessage, res: ServerResponse, next: Next): void;
}
/** A guard mounted in applications. */
export interface Mounted {
    handler: Middleware;
    /** The full paths the guard is mounted at, as far as it was told. */
    paths(): string[];
    /** Answers the well-known paths in this application from now on, if it is one. */
    reach(app: unknown): void;
}
/** Makes the function to pass to `app.use`. */
export declare function mountable(guard: Mountable): Mounted;
