/** Finds the MCP SDK the application uses, version 1 or 2, and takes from that one copy both the bearer middleware and the error it understands. */
import { createRequire } from "node:module";
import { isAbsolute, join } from "node:path";
import type { AuthInfo, Middleware } from "./types.js";

/** What the guard hands to the SDK's `requireBearerAuth`. */
export interface BearerOptions {
  verifier: { verifyAccessToken(token: string): Promise<AuthInfo> };
  requiredScopes: string[];
  resourceMetadataUrl: string;
  expectedResource: URL;
}

/** One copy of the SDK. */
export interface BearerSdk {
  generation: 1 | 2;
  requireBearerAuth(options: BearerOptions): Middleware;
  /** Makes the error that this copy's middleware answers with 401 `invalid_token`. */
  invalidToken(reason: string): Error;
}

/**
 * Loads the SDK as seen from the first of these files from which one can be found; where both versions are, version 2
 * counts. By default: the program's main script, its working directory, this package.
 */
export function loadSdk(from: readonly string[] = viewpoints()): BearerSdk {
  for (const file of from) {
    const require = createRequire(file);
    const sdk = loadSecond(require) ?? loadFirst(require);
    if (sdk) return sdk;
  }
  throw new Error(
    "mcpAuth: no MCP SDK found. Install @modelcontextprotocol/sdk (version 1), or @modelcontextprotocol/server together with @modelcontextprotocol/express (version 2).",
  );
}

function viewpoints(): string[] {
  const main = process.argv[1];
  return [...(main && isAbsolute(main) ? [main] : []), join(process.cwd(), "package.json"), __filename];
}

function loadSecond(require: NodeJS.Require): BearerSdk | undefined {
  const path = resolve(require, "@modelcontextprotocol/express");
  if (!path) return undefined;
  const inner = createRequire(path);
  const { requireBearerAuth } = inner(path) as { requireBearerAuth: BearerSdk["requireBearerAuth"] };
  const { OAuthError, OAuthErrorCode } = inner("@modelcontextprotocol/server") as {
    OAuthError: new (code: string, message: string) => Error;
    OAuthErrorCode: { InvalidToken: string };
  };
  return { generation: 2, requireBearerAuth, invalidToken: (reason) => new OAuthError(OAuthErrorCode.InvalidToken, reason) };
}

function loadFirst(require: NodeJS.Require): BearerSdk | undefined {
  const path = resolve(require, "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js");
  if (!path) return undefined;
  const { requireBearerAuth } = require(path) as { requireBearerAuth: BearerSdk["requireBearerAuth"] };
  const { InvalidTokenError } = createRequire(path)("../errors.js") as { InvalidTokenError: new (message: string) => Error };
  return { generation: 1, requireBearerAuth, invalidToken: (reason) => new InvalidTokenError(reason) };
}

function resolve(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return undefined;
    throw error;
  }
}
