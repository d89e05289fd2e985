// An MCP server on Express, as a developer writes one.
import express from "express";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { serve } from "./local_servers.mjs";

const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: "express", version: "1.0.0" });
  server.registerTool("whoami", { description: "Who is calling" }, (ctx) => ({ content: [{ type: "text", text: ctx.http.authInfo.extra.username }] }));
  return server;
});

/** Serves the MCP server on a port until the test ends or it is closed; `guard(app)` is the developer's one line. */
export function startExpress(t, port, guard) {
  const app = express();
  guard(app);
  app.all("/mcp", toNodeHandler(mcp));
  return serve(t, app, { port });
}
