/** The entry for ES modules: the same single instance that `require` gives. */
export { authInfo, mcpAuth, requireScopes } from "./index.js";
export type { AuthExtra, AuthInfo, ClosableMiddleware, JsonRpcMessage, McpAuthOptions, Middleware, OperationScopes } from "./index.js";
