// The one line compiles on the types of Express 4 and 5 and next to both SDKs' own additions to Request.
import type {} from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import type { AuthInfo as FirstAuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import type { AuthInfo as SecondAuthInfo } from "@modelcontextprotocol/server";
import express5 from "express";
import express4 from "express4";
import { authInfo, mcpAuth, requireScopes, type AuthInfo, type McpAuthOptions } from "mcpAuth";

const options: McpAuthOptions = {
  registrationSecret: process.env.MCPAUTH_SECRET,
  requiredScopes: ["mcp:tools"],
  toolScopes: { add_note: ["notes:write"] },
};

for (const app of [express4()]) {
  app.use("/mcp", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }));
  app.post("/mcp", requireScopes("x"), (req, res) => void res.send(authInfo(req)?.extra.username));
}
for (const app of [express5()]) {
  app.use("/mcp", mcpAuth({ ...options, toolScopes: (message) => (message.method === "tools/call" ? ["x"] : undefined) }));
  app.post("/mcp", requireScopes("x"), (req, res) => void res.send(authInfo(req)?.extra.username));
}

declare const info: AuthInfo;
export const first: FirstAuthInfo = info;
export const second: SecondAuthInfo = info;
// @ts-expect-error the secret is not optional
mcpAuth({});
