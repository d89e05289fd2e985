// The cache of token answers: short, bounded, keyed by hash; concurrent questions asked once.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { combinations, echoApp, guardFor, serve } from "./support/servers.mjs";
import { startIssuer } from "./support/stub_issuer.mjs";

const require = createRequire(import.meta.url);
const { BoundedCache } = require("../dist/cache.js");
const { TokenChecker } = require("../dist/tokens.js");
const INTROSPECT = "/t/demo/api/oauth/introspect";

async function start(t, options = {}) {
  const clock = { now: Date.now() };
  const stub = await startIssuer();
  t.after(stub.close);
  const guard = guardFor(stub, combinations[1], options, { now: () => clock.now });
  return { clock, stub, ...(await serve(t, echoApp(combinations[1], guard.handler))) };
}

test("an answer is used for cacheSeconds and not longer", async (t) => {
  for (const [cacheSeconds, expected] of [[undefined, 5000], [2, 2000]]) {
    const { call, clock, stub } = await start(t, cacheSeconds === undefined ? {} : { cacheSeconds });
    stub.issue("good");
    const status = async () => (await call("/mcp", { token: "good" })).status;
    assert.equal(await status(), 200);
    stub.tokens.delete("good");
    clock.now += expected - 1;
    assert.equal(await status(), 200);
    assert.equal(stub.seen[INTROSPECT], 1);
    clock.now += 1;
    assert.equal(await status(), 401);
  }
});

test("every request to the issuer says which version asks, whatever fetch is used", async (t) => {
  const { version } = require("../package.json");
  for (const options of [{}, { fetch: (input, init) => globalThis.fetch(input, init) }]) {
    const { call, stub } = await start(t, options);
    stub.issue("good");
    assert.equal((await call("/mcp", { token: "good" })).status, 200);
    assert.ok(stub.bodies.length >= 2);
    assert.deepEqual([...new Set(stub.bodies.map(({ agent }) => agent))], [`mcpauth-typescript/${version}`]);
  }
});

test("cacheSeconds 0 asks every time", async (t) => {
  const { call, stub } = await start(t, { cacheSeconds: 0 });
  stub.issue("good");
  assert.equal((await call("/mcp", { token: "good" })).status, 200);
  stub.tokens.delete("good");
  assert.equal((await call("/mcp", { token: "good" })).status, 401);
});

test("no answer is used past exp", async (t) => {
  const { call, clock, stub } = await start(t);
  const exp = Math.floor(clock.now / 1000) + 2;
  stub.issue("good", { exp });
  assert.equal((await call("/mcp", { token: "good" })).status, 200);
  clock.now = exp * 1000;
  const answer = await call("/mcp", { token: "good" });
  assert.equal(answer.status, 401);
  assert.equal(stub.seen[INTROSPECT], 2);
});

test("a bad token is asked about once, too, and a failure is not remembered", async (t) => {
  const { call, stub } = await start(t);
  for (let n = 0; n < 3; n += 1) assert.equal((await call("/mcp", { token: "bad" })).status, 401);
  assert.equal(stub.seen[INTROSPECT], 1);
  stub.faults[INTROSPECT] = { status: 503 };
  assert.equal((await call("/mcp", { token: "good" })).status, 503);
  delete stub.faults[INTROSPECT];
  stub.issue("good");
  assert.equal((await call("/mcp", { token: "good" })).status, 200);
});

test("concurrent requests with one token ask once", async (t) => {
  const { call, stub } = await start(t);
  stub.issue("good");
  await call("/mcp");
  stub.faults[INTROSPECT] = "hold";
  let entered = 0;
  const calls = Array.from({ length: 20 }, () => call("/mcp", { token: "good" }).finally(() => (entered += 1)));
  while (stub.waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  delete stub.faults[INTROSPECT];
  stub.waiting.forEach((release) => release());
  const answers = await Promise.all(calls);
  assert.deepEqual(answers.map(({ status }) => status), Array(20).fill(200));
  assert.equal(entered, 20);
  assert.equal(stub.seen[INTROSPECT], 1);
});

test("the question carries the token in the body and the secret in the header, to the secret's own address only", async (t) => {
  const { call, clock, stub } = await start(t);
  const own = stub.configuration.introspection_endpoint;
  stub.configuration.introspection_endpoint = "https://elsewhere.example/introspect";
  stub.issue("good");
  assert.equal((await call("/mcp", { token: "good" })).status, 503);
  assert.equal(stub.seen[INTROSPECT], undefined);
  stub.configuration.introspection_endpoint = own;
  clock.now += 60_000;
  assert.equal((await call("/mcp", { token: "good" })).status, 200);
  const asked = stub.bodies.find(({ path }) => path === INTROSPECT);
  assert.equal(asked.authorization, `Bearer ${stub.secret}`);
  assert.equal(asked.body, "token=good");
});

test("the cache is bounded and forgets", () => {
  let now = 0;
  const cache = new BoundedCache(2, () => now);
  cache.set("a", 1, 10);
  cache.set("b", 2, 10);
  cache.set("a", 3, 10);
  cache.set("c", 4, 10);
  assert.deepEqual([cache.get("a"), cache.get("b"), cache.get("c"), cache.size], [3, undefined, 4, 2]);
  now = 10;
  assert.equal(cache.get("a"), undefined);
  cache.set("d", 1, 10);
  assert.equal(cache.get("d"), undefined, "nothing is kept whose time is over");
});

test("no token is kept, only its hash", async () => {
  const http = { timeout: 1000, fetch: async () => new Response(JSON.stringify({ active: false })) };
  const checker = new TokenChecker({ cacheSeconds: 5, secret: "s", impliedScopes: {} }, http, Date.now);
  await checker.check("tok-secret-value", { introspectionEndpoint: "https://x.example/", issuers: [] });
  const keys = [...checker.bad.entries.keys()];
  assert.equal(keys.length, 1);
  assert.doesNotMatch(keys[0], /tok-secret-value/);
});
