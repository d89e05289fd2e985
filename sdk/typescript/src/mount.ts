/**
 * How the guard learns where it is. Express 4 and 5 treat a function with `handle`, `set` and `emit` as a sub-application
 * and tell it where it was mounted; through that the guard reaches the application it belongs to and answers the
 * well-known paths there, which lie outside its own mount path.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pathOf } from "./documents.js";
import type { Middleware, Next } from "./types.js";

/** The parts of an Express application used here. */
interface Application {
  use(handler: Middleware): unknown;
  on?(event: "mount", listener: (parent: Application) => void): unknown;
  path?(): string;
  parent?: Application;
  _router?: { stack?: Layer[] };
  router?: { stack?: Layer[] };
}

interface Layer {
  name?: string;
}

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

const LAYER_NAME = "mcpAuthWellKnown";
/** Layers that stay in front: what Express 4 puts first, and guards mounted earlier. */
const IN_FRONT: ReadonlySet<string | undefined> = new Set(["query", "expressInit", LAYER_NAME]);

/** Makes the function to pass to `app.use`. */
export function mountable(guard: Mountable): Mounted {
  const mounts: { parent: Application; path: unknown }[] = [];
  const reached = new WeakSet<object>();
  const reach = (app: unknown): void => {
    if (!isApplication(app) || reached.has(app)) return;
    reached.add(app);
    placeFirst(app, (req, res, next) => guard.wellKnown(req, res, next));
    if (app.parent) reach(app.parent);
    else app.on?.("mount", reach);
  };
  const handler = (req: IncomingMessage, res: ServerResponse, next: Next): void => guard.guard(req, res, next, false);
  const subApplication = Object.assign(handler, {
    mountpath: "/" as unknown,
    handle: (req: IncomingMessage, res: ServerResponse, next: Next): void => guard.guard(req, res, next, true),
    set: (): Middleware => handler,
    emit: (event: string, parent: unknown): boolean => {
      if (event !== "mount" || !isApplication(parent)) return false;
      mounts.push({ parent, path: subApplication.mountpath });
      reach(parent);
      return true;
    },
  });
  const paths = (): string[] => mounts.flatMap(({ parent, path }) => [path].flat().map((one) => (parent.path?.() ?? "") + String(one)));
  return { handler: subApplication, paths, reach };
}

function isApplication(value: unknown): value is Application {
  return typeof (value as Partial<Application> | null | undefined)?.use === "function";
}

/**
 * Adds a layer and moves it to the front, so that neither an earlier nor a later catch-all route hides it: a client that
 * gets a web page instead of metadata gives up. It only answers its own paths.
 */
function placeFirst(app: Application, answer: Middleware): void {
  const layer: Middleware = (req, res, next) => (pathOf(req.url).startsWith("/.well-known/") ? answer(req, res, next) : next());
  Object.defineProperty(layer, "name", { value: LAYER_NAME });
  app.use(layer);
  // Express 4 throws on `router`, Express 5 has no `_router`.
  const stack = (app._router ?? app.router)?.stack;
  const added = stack?.pop();
  if (!stack || !added) return;
  const index = stack.findIndex((other) => !IN_FRONT.has(other.name));
  stack.splice(index === -1 ? stack.length : index, 0, added);
}
