"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.mountable = mountable;
const documents_js_1 = require("./documents.js");
const LAYER_NAME = "mcpAuthWellKnown";
/** Layers that stay in front: what Express 4 puts first, and guards mounted earlier. */
const IN_FRONT = new Set(["query", "expressInit", LAYER_NAME]);
/** Makes the function to pass to `app.use`. */
function mountable(guard) {
    const mounts = [];
    const reached = new WeakSet();
    const reach = (app) => {
        if (!isApplication(app) || reached.has(app))
            return;
        reached.add(app);
        placeFirst(app, (req, res, next) => guard.wellKnown(req, res, next));
        if (app.parent)
            reach(app.parent);
        else
            app.on?.("mount", reach);
    };
    const handler = (req, res, next) => guard.guard(req, res, next, false);
    const subApplication = Object.assign(handler, {
        mountpath: "/",
        handle: (req, res, next) => guard.guard(req, res, next, true),
        set: () => handler,
        emit: (event, parent) => {
            if (event !== "mount" || !isApplication(parent))
                return false;
            mounts.push({ parent, path: subApplication.mountpath });
            reach(parent);
            return true;
        },
    });
    const paths = () => mounts.flatMap(({ parent, path }) => [path].flat().map((one) => (parent.path?.() ?? "") + String(one)));
    return { handler: subApplication, paths, reach };
}
function isApplication(value) {
    return typeof value?.use === "function";
}
/**
 * Adds a layer and moves it to the front, so that neither an earlier nor a later catch-all route hides it: a client that
 * gets a web page instead of metadata gives up. It only answers its own paths.
 */
function placeFirst(app, answer) {
    const layer = (req, res, next) => ((0, documents_js_1.pathOf)(req.url).startsWith("/.well-known/") ? answer(req, res, next) : next());
    Object.defineProperty(layer, "name", { value: LAYER_NAME });
    app.use(layer);
    // Express 4 throws on `router`, Express 5 has no `_router`.
    const stack = (app._router ?? app.router)?.stack;
    const added = stack?.pop();
    if (!stack || !added)
        return;
    const index = stack.findIndex((other) => !IN_FRONT.has(other.name));
    stack.splice(index === -1 ? stack.length : index, 0, added);
}
