// What every guard answers, as data: the Go guard runs the same files.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { combinations, guardFor, serve } from "./support/servers.mjs";
import { startIssuer } from "./support/stub_issuer.mjs";

const { rows: [row] } = JSON.parse(await readFile(new URL("../../contract/rows_bodies.json", import.meta.url), "utf8"));
const statuses = { passes: 200, "more scope": 403, unreadable: 400 };
const contract = {
  tool_scopes: row.guard.tool_scopes,
  cases: row.steps.map(({ what, body, expect }) => ({ name: what, body, status: statuses[expect] })),
};
const post = (body) => ({ method: "POST", token: "little", body, headers: { "Content-Type": "application/json" } });

for (const combination of combinations) {
  describe(combination.name, { concurrency: true }, () => {
    /** A server that answers with the message its handler read; `before` are middlewares in front of the guard. */
    const start = async (t, before, toolScopes = contract.tool_scopes) => {
      const stub = await startIssuer();
      t.after(stub.close);
      stub.issue("little");
      const app = combination.express();
      app.use(...before, guardFor(stub, combination, { toolScopes }).handler, combination.express.json(), (req, res) => res.json({ read: req.body }));
      app.use((error, _req, res, _next) => res.status(error.status ?? 500).json({ thrown: error.message }));
      return (await serve(t, app)).call;
    };

    test("a body that two parsers read in two ways never passes by a tool's scope (catalogue 25)", async (t) => {
      const call = await start(t, []);
      for (const { name, body, status } of contract.cases) {
        const answer = await call("/mcp", post(body));
        assert.equal(answer.status, status, `${name}: got ${answer.status} ${answer.text}, want ${status}`);
        if (status === 200) assert.deepEqual(answer.json.read, JSON.parse(body), name);
      }
    });

    test("where the body was parsed before, what the handler will see counts (catalogue 25)", async (t) => {
      const call = await start(t, [combination.express.json()]);
      for (const { name, body, status } of contract.cases) {
        const answer = await call("/mcp", post(body));
        if (status === 403) assert.equal(answer.status, 403, name);
        if (answer.status !== 200) continue;
        for (const message of [answer.json.read].flat()) {
          const called = message.method === "tools/call" && message.params?.name;
          assert.notEqual(called, "add_note", `${name}: the handler was given ${JSON.stringify(message)}`);
        }
        assert.ok(!/spelling|long s/.test(name), `${name}: got 200, want 400`);
      }
    });

    test("where a function judges, no member of a message or its params may occur twice (catalogue 25)", async (t) => {
      const call = await start(t, [], ({ params }) => (params?.uri === "note:1" ? ["notes:write"] : []));
      for (const [body, status] of [
        ['{"method":"resources/read","params":{"uri":"note:2"}}', 200],
        ['{"method":"resources/read","params":{"uri":"note:1"}}', 403],
        ['{"method":"resources/read","params":{"uri":"note:1","uri":"note:2"}}', 400],
        ['[{"method":"ping"},{"method":"resources/read","params":{"uri":"note:1","u\\u0072i":"note:2"}}]', 400],
        ['{"id":1,"id":2,"method":"ping"}', 400],
      ]) {
        const answer = await call("/mcp", post(body));
        assert.equal(answer.status, status, `${body}: got ${answer.status}, want ${status}`);
      }
    });
  });
}

test("a text may be nested as deeply and be as long as a request may be (catalogue 24)", async (t) => {
  const stub = await startIssuer();
  t.after(stub.close);
  stub.issue("little");
  const app = combinations[1].express();
  app.use("/mcp", guardFor(stub, combinations[1], { toolScopes: contract.tool_scopes }).handler, (_req, res) => res.end());
  const { call } = await serve(t, app);
  const deep = (name) => `{"method":"tools/call","params":{"arguments":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)},"name":"${name}"}}`;
  assert.equal((await call("/mcp", post(deep("list_notes")))).status, 200);
  assert.equal((await call("/mcp", post(deep("add_note")))).status, 403);
  const empty = JSON.stringify({ method: "ping", pad: "" });
  const filled = (bytes) => JSON.stringify({ method: "ping", pad: "x".repeat(bytes - empty.length) });
  assert.equal((await call("/mcp", post(filled(4 * 1024 * 1024)))).status, 200);
  assert.equal((await call("/mcp", post(filled(4 * 1024 * 1024 + 1)))).status, 413);
});
