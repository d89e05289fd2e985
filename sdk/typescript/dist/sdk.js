"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.loadSdk = loadSdk;
/** Finds the MCP SDK the application uses, version 1 or 2, and takes from that one copy both the bearer middleware and the error it understands. */
const node_module_1 = require("node:module");
const node_path_1 = require("node:path");
/**
 * Loads the SDK as seen from the first of these files from which one can be found; where both versions are, version 2
 * counts. By default: the program's main script, its working directory, this package.
 */
function loadSdk(from = viewpoints()) {
    for (const file of from) {
        const require = (0, node_module_1.createRequire)(file);
        const sdk = loadSecond(require) ?? loadFirst(require);
        if (sdk)
            return sdk;
    }
    throw new Error("mcpAuth: no MCP SDK found. Install @modelcontextprotocol/sdk (version 1), or @modelcontextprotocol/server together with @modelcontextprotocol/express (version 2).");
}
function viewpoints() {
    const main = process.argv[1];
    return [...(main && (0, node_path_1.isAbsolute)(main) ? [main] : []), (0, node_path_1.join)(process.cwd(), "package.json"), __filename];
}
function loadSecond(require) {
    const path = resolve(require, "@modelcontextprotocol/express");
    if (!path)
        return undefined;
    const inner = (0, node_module_1.createRequire)(path);
    const { requireBearerAuth } = inner(path);
    const { OAuthError, OAuthErrorCode } = inner("@modelcontextprotocol/server");
    return { generation: 2, requireBearerAuth, invalidToken: (reason) => new OAuthError(OAuthErrorCode.InvalidToken, reason) };
}
function loadFirst(require) {
    const path = resolve(require, "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js");
    if (!path)
        return undefined;
    const { requireBearerAuth } = require(path);
    const { InvalidTokenError } = (0, node_module_1.createRequire)(path)("../errors.js");
    return { generation: 1, requireBearerAuth, invalidToken: (reason) => new InvalidTokenError(reason) };
}
function resolve(require, name) {
    try {
        return require.resolve(name);
    }
    catch (error) {
        const code = error.code;
        if (code === "MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED")
            return undefined;
        throw error;
    }
}
