// Scopes of single operations: a token without them gets 403 with what to ask for, so that the client can step up (R8, P20).
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { requireScopes } from "mcpAuth";
import { combinations, echoApp, guardFor, serve, toolCall } from "./support/servers.mjs";
import { startIssuer } from "./support/stub_issuer.mjs";

const { scopesForMessages } = createRequire(import.meta.url)("../dist/scopes.js");
const METADATA_URL = "http://localhost:8090/.well-known/oauth-protected-resource/mcp";
const toolScopes = { add_note: ["notes:write"] };

for (const combination of combinations) {
  const { express } = combination;
  describe(combination.name, { concurrency: true }, () => {
    /** `before` and `after` are middlewares around the guard. */
    const start = async (t, { before = [], after = [], options = { toolScopes } } = {}) => {
      const stub = await startIssuer();
      t.after(stub.close);
      const app = express();
      app.use(...[...before, (_req, _res, next) => next()]);
      app.use("/mcp", guardFor(stub, combination, options).handler);
      app.use("/mcp", ...after, async (req, res) => {
        if (req.body !== undefined && Object.keys(req.body).length > 0) return void res.json({ parsed: req.body });
        const chunks = [];
        for await (const chunk of req) chunks.push(chunk);
        res.json({ raw: Buffer.concat(chunks).toString() });
      });
      stub.issue("little");
      stub.issue("more", { scope: "mcp:tools notes:write" });
      return { stub, ...(await serve(t, app)) };
    };

    test("a tool that needs more: 403 with the scopes of this operation, 200 once they are there", async (t) => {
      const { call } = await start(t);
      const refused = await call("/mcp", toolCall("add_note", { token: "little" }));
      assert.equal(refused.status, 403);
      assert.deepEqual(refused.challenge, {
        scheme: "Bearer", error: "insufficient_scope", error_description: "Insufficient scope",
        scope: "mcp:tools notes:write", resource_metadata: METADATA_URL,
      });
      assert.equal((await call("/mcp", toolCall("add_note", { token: "more" }))).status, 200);
      assert.equal((await call("/mcp", toolCall("list_notes", { token: "little" }))).status, 200);
      assert.equal((await call("/mcp", { token: "little" })).status, 200, "GET has no message");
      const batch = { ...toolCall("x"), token: "little", body: JSON.stringify([{ method: "ping" }, JSON.parse(toolCall("add_note").body)]) };
      assert.equal((await call("/mcp", batch)).status, 403);
    });

    test("without a good token the body is not looked at", async (t) => {
      const { call } = await start(t);
      assert.equal((await call("/mcp", { method: "POST", body: "{" })).status, 401);
      assert.equal((await call("/mcp", { method: "POST", body: "{", token: "unknown" })).status, 401);
    });

    test("whoever handles the request next still gets its body", async (t) => {
      const sent = toolCall("list_notes", { token: "little" });
      const large = { ...sent, body: JSON.stringify({ method: "x", pad: "ä".repeat(200_000) }) };
      const json = express.json({ limit: "2mb" });
      for (const [name, around] of Object.entries({ raw: {}, "parsed before": { before: [json] }, "parsed after": { after: [json] } })) {
        const { call } = await start(t, around);
        for (const message of [sent, large]) {
          const answer = await call("/mcp", message);
          assert.equal(answer.status, 200, name);
          assert.deepEqual(answer.json.parsed ?? JSON.parse(answer.json.raw), JSON.parse(message.body), name);
        }
        const chunked = { ...sent, body: Readable.toWeb(Readable.from([Buffer.from('{"method":'), Buffer.from('"x"}')])), duplex: "half" };
        assert.equal((await call("/mcp", chunked)).status, 200, name);
      }
    });

    test("text and raw parsers before the guard", async (t) => {
      for (const parser of [express.text({ type: "*/*" }), express.raw({ type: "*/*" })]) {
        const { call } = await start(t, { before: [parser] });
        assert.equal((await call("/mcp", toolCall("add_note", { token: "little" }))).status, 403);
        assert.equal((await call("/mcp", toolCall("add_note", { token: "more" }))).status, 200);
      }
    });

    test("what can be read in two ways is refused", async (t) => {
      const { call } = await start(t, { after: [express.json()] });
      const post = (body, headers = {}) => ({ method: "POST", token: "little", body, headers: { "Content-Type": "application/json", ...headers } });
      const add = toolCall("add_note").body;
      const cases = [
        ["compressed", post(gzipSync(add), { "Content-Encoding": "gzip" }), 415],
        ["UTF-7, where the same bytes name another tool", post(add.replace("add_note", "+AGEAZABk-_note"), { "Content-Type": "application/json; charset=utf-7" }), 415],
        ["UTF-16", post(Buffer.from(add, "utf16le"), { "Content-Type": 'application/json; charset="utf-16le"' }), 415],
        ["invalid UTF-8", post(Buffer.from([0x7b, 0xff, 0x7d])), 400],
        ["no JSON", post("{"), 400],
        ["empty", post(""), 400],
        ["a number", post("1"), 400],
        ["null in a batch", post("[null]"), 400],
        ["another content type does not help", post(add, { "Content-Type": "text/plain" }), 403],
        ["larger than 4 MiB", post(" ".repeat(4 * 1024 * 1024 + 1)), 413],
      ];
      for (const [name, init, status] of cases) {
        const answer = await call("/mcp", init);
        assert.equal(answer.status, status, name);
        if (status !== 403) assert.equal(answer.json.error, "invalid_request", name);
      }
    });

    test("a function decides for any message; its failure never lets a request through", async (t) => {
      const { call } = await start(t, {
        options: {
          requiredScopes: ["mcp:tools"],
          toolScopes: ({ method, params }) => {
            if (method === "boom") throw new Error("boom");
            return method === "resources/read" && params.uri.startsWith("note:") ? ["notes:read"] : undefined;
          },
        },
      });
      const send = (message) => call("/mcp", { method: "POST", token: "little", body: JSON.stringify(message) });
      assert.equal((await send({ method: "resources/read", params: { uri: "note:1" } })).challenge.scope, "mcp:tools notes:read");
      assert.equal((await send({ method: "resources/read", params: { uri: "page:1" } })).status, 200);
      assert.equal((await send({ method: "boom" })).status, 500);
    });

    test("requireScopes guards one route", async (t) => {
      const stub = await startIssuer();
      t.after(stub.close);
      const app = express();
      app.get("/open", requireScopes("x"), (_req, res) => res.send("in"));
      app.use("/mcp", guardFor(stub, combination).handler);
      app.get("/mcp/export", requireScopes("notes:export"), (_req, res) => res.send("in"));
      app.use((_error, _req, res, _next) => res.status(500).send("error"));
      const { call } = await serve(t, app);
      stub.issue("little");
      stub.issue("exporter", { scope: "notes:export" });
      const refused = await call("/mcp/export", { token: "little" });
      assert.equal(refused.status, 403);
      assert.equal(refused.challenge.error, "insufficient_scope");
      assert.equal(refused.challenge.scope, "mcp:tools notes:export");
      assert.equal(refused.challenge.resource_metadata, METADATA_URL);
      assert.equal((await call("/mcp/export", { token: "exporter" })).text, "in");
      assert.equal((await call("/open")).status, 500, "without mcpAuth before it nothing gets through");
    });
  });
}

test("only own names of the map count", () => {
  const message = (name) => ({ method: "tools/call", params: { name } });
  assert.deepEqual(scopesForMessages(toolScopes, [message("constructor"), message("__proto__"), message(1), { method: "tools/call", params: null }]), []);
  assert.deepEqual(scopesForMessages(toolScopes, [message("add_note"), message("add_note")]), ["notes:write"]);
});

test("requireScopes refuses nonsense at once", () => {
  assert.throws(() => requireScopes(), TypeError);
  assert.throws(() => requireScopes("two scopes"), TypeError);
});

test("R8: the project's tool groups apply when the developer gave no tool scopes", async (t) => {
  for (const combination of combinations) {
    const stub = await startIssuer();
    t.after(stub.close);
    stub.configuration.tool_scopes = { add_note: ["notes:write"] };
    stub.issue("reader");
    stub.issue("writer", { scope: "mcp:tools notes:write" });
    const guarded = async (options) => (await serve(t, echoApp(combination, guardFor(stub, combination, options).handler))).call;
    const call = await guarded({});
    const refused = await call("/mcp", { token: "reader", ...toolCall("add_note") });
    assert.equal(refused.status, 403, combination.name);
    assert.equal(refused.challenge.error, "insufficient_scope");
    assert.ok(refused.challenge.scope.split(" ").includes("notes:write"));
    assert.equal((await call("/mcp", { token: "writer", ...toolCall("add_note") })).status, 200);
    for (const tool of ["list_notes", "constructor", "__proto__"]) assert.equal((await call("/mcp", { token: "reader", ...toolCall(tool) })).status, 200, tool);
    const own = await guarded({ toolScopes: {} });
    assert.equal((await own("/mcp", { token: "reader", ...toolCall("add_note") })).status, 200, "the developer's own map wins");
  }
});

test("tool groups that cannot be read close the server instead of opening the tools", async (t) => {
  for (const tool_scopes of [[], "x", { add_note: "notes:write" }, { add_note: [7] }, { add_note: ['a" error="x'] }, { add_note: [""] }]) {
    const stub = await startIssuer();
    t.after(stub.close);
    Object.assign(stub.configuration, { tool_scopes });
    stub.issue("good");
    const { call } = await serve(t, echoApp(combinations[1], guardFor(stub, combinations[1]).handler));
    assert.equal((await call("/mcp", { token: "good", ...toolCall("add_note") })).status, 503, JSON.stringify(tool_scopes));
  }
});
