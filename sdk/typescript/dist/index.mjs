/** The entry for ES modules: the same single instance that `require` gives. */
export { authInfo, mcpAuth, requireScopes } from "./index.js";
