// Tokens are verified here while keys and the feed of revocations are up to date, and asked about otherwise.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { generateKeyPairSync, sign } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import { combinations, echoApp, guardFor, serve, toolCall } from "./support/servers.mjs";
import { startIssuer } from "./support/stub_issuer.mjs";

const require = createRequire(import.meta.url);
const { RevocationFeed } = require("../dist/feed.js");
const INTROSPECT = "/t/demo/api/oauth/introspect";
const FEED = "/t/demo/api/oauth/revocations";
const CALLS = "/t/demo/api/oauth/server/calls";
const soon = () => Math.floor(Date.now() / 1000) + 3600;

/** A signing key of the project, and access tokens signed with it. */
function signer(stub, kid = "k1") {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" },
    token: (body = {}, header = {}) => {
      const claims = { iss: stub.issuer, aud: stub.configuration.resource, exp: soon(), sub: "0190-ada", client_id: "client-1", sid: "grant-1", scope: "mcp:tools", ...body };
      const input = `${encode({ typ: "at+jwt", alg: "ES256", kid, ...header })}.${encode(claims)}`;
      return `${input}.${sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
    },
  };
}

async function start(t, options = {}, prepare = () => {}) {
  const clock = { now: Date.now() };
  const stub = await startIssuer();
  stub.offerLocal();
  const key = signer(stub);
  stub.keys = [key.jwk];
  prepare(stub);
  const guard = guardFor(stub, combinations[3], options, { now: () => clock.now });
  const app = echoApp(combinations[3], guard.handler);
  const served = await serve(t, app);
  t.after(async () => {
    await guard.handler.close();
    await stub.close();
  });
  const status = async (token) => (await served.call("/mcp", { token })).status;
  /** Asks until the guard no longer does: what that waits for happens elsewhere. */
  const local = async (token) => {
    for (;;) {
      clock.now += 5000; // no answer is kept longer
      stub.tell(": beat");
      const asked = stub.seen[INTROSPECT];
      if ((await status(token)) === 200 && asked === stub.seen[INTROSPECT]) return;
    }
  };
  const until = async (expected, token) => {
    while ((await status(token)) !== expected);
  };
  return { clock, stub, key, guard, status, local, until, ...served };
}

// R7, catalogue 207, 209
test("tokens are verified here once the first of the grant was asked about", async (t) => {
  const { stub, key, call, local, status } = await start(t);
  const token = stub.issue(key.token());
  await local(token);
  const asked = stub.seen[INTROSPECT];
  const { json } = await call("/mcp", { token: key.token({ scope: "notes:write" }) });
  assert.deepEqual([json.auth.scopes, json.auth.extra], [["notes:write"], { iss: stub.issuer, sub: "0190-ada", sid: "grant-1", username: "ada@example.com" }]);
  const stranger = signer(stub);
  for (const bad of [
    stranger.token(), key.token({}, { typ: "JWT" }), key.token({}, { alg: "HS256" }), key.token({ aud: "http://localhost:8090/mcp/" }),
    key.token({ iss: "https://evil.example" }), key.token({ exp: 1 }), key.token({ cnf: { jkt: "x" } }), stranger.token({}, { jwk: stranger.jwk }), "good",
  ]) {
    stub.issue(bad); // asked about, it would pass
    assert.equal(await status(bad), 401, bad);
  }
  assert.equal(stub.seen[INTROSPECT], asked);
});

// catalogue 199
test("what the feed names is refused by the next request, and stays refused", async (t) => {
  const { stub, key, local, status, until } = await start(t, {}, (stub) => (stub.snapshot.revoked = [{ sid: "grant-0", until: soon() }]));
  const tokens = ["grant-0", "grant-1", "grant-2"].map((sid) => stub.issue(key.token({ sid }), { sid }));
  await local(tokens[1]);
  assert.equal(await status(tokens[0]), 401);
  stub.tell({ cursor: "a.2", revoked: [{ sid: "grant-1", until: soon() }] });
  await until(401, tokens[1]);
  assert.equal(await status(tokens[2]), 200);
  stub.tell({ cursor: "b.1", snapshot: true, revoked: [] });
  stub.tell({ cursor: "b.2", suspended: true, revoked: [] });
  await until(401, tokens[2]);
  stub.tell({ cursor: "b.3", revoked: [] });
  await local(tokens[2]);
  assert.equal(await status(tokens[1]), 401);
});

// catalogue 199
test("a feed that is silent or broken off is not relied on, and resumed", async (t) => {
  const { clock, stub, key, local, status, until } = await start(t);
  const token = stub.issue(key.token());
  await local(token);
  clock.now += 15_000;
  stub.tokens.delete(token);
  assert.equal(await status(token), 401);
  stub.issue(token);
  clock.now += 5000;
  stub.tell(": beat");
  await local(token);
  stub.faults[FEED] = { status: 503 };
  stub.streams.forEach((res) => res.end());
  stub.tokens.delete(token);
  await until(401, token);
  delete stub.faults[FEED];
  stub.issue(token);
  clock.now += 5000;
  await local(token);
  assert.equal(stub.resumed, "a.1");
});

test("where streams do not get through, and with a fetch of the customer's, the feed is polled", async (t) => {
  for (const options of [{}, { fetch: (...given) => fetch(...given) }]) {
    const answers = [];
    let ask;
    const { stub, key, status, until } = await start(t, options, (stub) => {
      stub.poll = (cursor) => (cursor ? answers.shift() ?? new Promise((resolve) => (ask = resolve)) : stub.snapshot);
    });
    const token = stub.issue(key.token());
    while (ask === undefined) await status(token);
    ask({ cursor: "a.2", snapshot: false, revoked: [{ sid: "grant-1", until: soon() }] });
    await until(401, token);
  }
});

// catalogue 16
test("a key that is not known is asked about, and fetched at most every thirty seconds", async (t) => {
  const { clock, stub, key, local, status } = await start(t);
  const JWKS = "/t/demo/api/oauth/jwks";
  await local(stub.issue(key.token()));
  const next = signer(stub, "k2");
  stub.keys = [next.jwk];
  const token = stub.issue(next.token());
  const fetched = stub.seen[JWKS];
  clock.now = Date.now();
  assert.equal(await status(token), 200);
  assert.equal(stub.seen[JWKS], fetched);
  clock.now += 120_000;
  stub.tell(": beat");
  await local(token);
  assert.equal(stub.seen[JWKS], fetched + 1);
});

const argumentsFor = (name) => JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: { secret: "argument" } } });

test("calls are told in batches: grant, tool and outcome, never an argument", async (t) => {
  const { stub, key, guard, call } = await start(t, { toolScopes: { admin: ["notes:write"] } });
  const token = stub.issue(key.token());
  for (const name of ["add", "add", "admin"]) await call("/mcp", { token, ...toolCall(name, { body: argumentsFor(name) }) });
  await call("/mcp", { token });
  await guard.handler.close();
  const [{ body, authorization }] = stub.bodies.filter(({ path }) => path === CALLS);
  assert.equal(authorization, `Bearer ${stub.secret}`);
  assert.ok(!body.includes("argument"), body);
  const told = JSON.parse(body).calls.map(({ at, ...entry }) => (assert.ok(at > 1e9), entry));
  assert.deepEqual(told, [
    { sid: "grant-1", outcome: "ok", count: 2, tool: "add" }, { sid: "grant-1", outcome: "refused", count: 1, tool: "admin", reason: "insufficient_scope", needed: told[1].needed },
    { sid: "grant-1", outcome: "ok", count: 1 },
  ]);
});

test("a refusal is told with what was wrong, also of a token for another server", async (t) => {
  const { stub, key, guard, call } = await start(t, { toolScopes: { admin: ["notes:write"] } });
  const good = stub.issue(key.token());
  await call("/mcp", { token: good });
  for (const claims of [{ sid: "elsewhere", aud: "https://other.example.com/mcp" }, { sid: "late", exp: 1000 }]) {
    const { status } = await call("/mcp", { token: key.token(claims) });
    assert.equal(status, 401, JSON.stringify(claims));
  }
  await call("/mcp", { token: good, ...toolCall("admin", { body: argumentsFor("admin") }) });
  await guard.handler.close();
  const [{ body }] = stub.bodies.filter(({ path }) => path === CALLS);
  const told = Object.fromEntries(JSON.parse(body).calls.filter(({ outcome }) => outcome === "refused").map(({ sid, reason, cause, needed = "" }) => [sid, [reason, cause, needed.includes("notes:write")]]));
  assert.deepEqual(told, {
    elsewhere: ["invalid_token", "other_server", false], late: ["invalid_token", "expired", false], "grant-1": ["insufficient_scope", undefined, true],
  });
});

test("nothing is told when it is switched off, and nothing is followed with verification introspection", async (t) => {
  const { stub, key, guard, call } = await start(t, { reportCalls: false, verification: "introspection" });
  const token = stub.issue(key.token());
  await call("/mcp", { token, ...toolCall("add") });
  await guard.handler.close();
  assert.deepEqual([stub.seen[CALLS], stub.seen[FEED], stub.seen[INTROSPECT]], [undefined, undefined, 1]);
});

test("ended approvals are forgotten when no token of theirs is left", async (t) => {
  const clock = { now: Date.now() };
  const stub = await startIssuer();
  stub.snapshot.revoked = [{ sid: "grant-1", until: Math.floor(clock.now / 1000) + 60 }];
  const feed = new RevocationFeed({ http: { fetch, timeout: 5000 }, secret: stub.secret, streams: true, now: () => clock.now });
  t.after(async () => {
    feed.close();
    await stub.close();
  });
  const settled = async (size) => {
    while (!feed.fresh(stub.issuer + "/api/oauth/revocations") || feed.size !== size) await new Promise((resolve) => setImmediate(resolve));
  };
  await settled(1);
  clock.now += 121_000;
  stub.tell({ cursor: "a.2", revoked: [] });
  await settled(0);
});

test("a process ends while it follows the feed, and tells its last calls before", async (t) => {
  const stub = await startIssuer();
  t.after(stub.close);
  stub.offerLocal();
  const key = signer(stub);
  stub.keys = [key.jwk];
  const token = stub.issue(key.token());
  const child = spawn(process.execPath, ["--input-type=module", "-e", `
    import express from "express";
    import { mcpAuth } from "./dist/index.mjs";
    const app = express();
    app.use("/mcp", mcpAuth({ registrationSecret: ${JSON.stringify(stub.secret)} }), (req, res) => res.end());
    const server = app.listen(0, "127.0.0.1", async () => {
      const call = () => fetch("http://127.0.0.1:" + server.address().port + "/mcp", { headers: { Authorization: ${JSON.stringify(`Bearer ${token}`)}, Connection: "close" } });
      await call();
      process.stdin.once("data", async () => {
        process.stdin.destroy();
        await call();
        server.close();
      });
      console.log("called");
    });`], { cwd: new URL("..", import.meta.url), stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  while (stub.streams.size === 0) await new Promise((resolve) => setImmediate(resolve));
  child.stdin.write("end\n");
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
  assert.equal(stub.seen[CALLS], 1);
});
