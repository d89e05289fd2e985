// Options that cannot work are refused when mcpAuth is called, in words that say what to do.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { mcpAuth } from "mcpAuth";
import { startIssuer, secretFor } from "./support/stub_issuer.mjs";
import { combinations, echoApp, serve } from "./support/servers.mjs";

const require = createRequire(import.meta.url);
const { addressOfSecret } = require("../dist/secret.js");
const { loadSdk } = require("../dist/sdk.js");
const secret = secretFor("https://demo.mcpauth.example");

test("the address inside a secret", () => {
  for (const address of [
    "https://demo.mcpauth.example", "https://mcpauth.example/t/demo", "http://localhost:8080/t/demo", "http://demo.localhost:8080",
    "http://127.0.0.1:8080", "http://[::1]:8080/t/demo",
  ]) assert.equal(addressOfSecret(secretFor(address)), address);
});

test("secrets that cannot be used say why and are not repeated", () => {
  const cases = [
    [undefined, /MCPAUTH_SECRET/], ["", /MCPAUTH_SECRET/], [7, /not a registration secret/], ["hunter2-value", /copied whole/],
    [secret.slice(0, -1), /copied whole/], [`${secret}\n`, /copied whole/],
    [secretFor("http://demo.mcpauth.example"), /https/], [secretFor("http://localhost.evil.example"), /https/],
    [secretFor("http://127.0.0.1.evil.example"), /https/], [secretFor("ftp://localhost"), /https/],
    [secretFor("https://demo.mcpauth.example/"), /slash/], [secretFor("https://u:p@demo.mcpauth.example"), /user name/],
    [secretFor("https://demo.mcpauth.example?x"), /query/], [secretFor("not a url"), /not a URL/],
  ];
  for (const [registrationSecret, message] of cases) {
    assert.throws(() => mcpAuth({ registrationSecret }), (error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hunter2|ssss/);
      return true;
    });
  }
});

test("bad options are named", () => {
  const cases = {
    requiredScopes: ["mcp:tools notes", [1], ['a"b'], ["a b"]],
    toolScopes: ["x", [], null, { add_note: "notes:write" }],
    impliedScopes: ["x", { a: [""] }],
    resource: ["mcp", "ftp://x.example", "https://x.example/mcp#a", 1],
    cacheSeconds: [-1, 6, Number.NaN, "5", Infinity],
    issuer: ["http://evil.example", "nope", 5, "https://x.example/"],
    fetch: ["x"],
    onWarn: [{}],
    requiredScope: [["typo"]],
  };
  for (const [name, values] of Object.entries(cases)) {
    for (const value of values) assert.throws(() => mcpAuth({ registrationSecret: secret, [name]: value }), { name: "TypeError", message: new RegExp(name) });
  }
  assert.throws(() => mcpAuth(), TypeError);
});

test("the issuer option and fetch replace where and how to ask", async (t) => {
  const stub = await startIssuer();
  t.after(stub.close);
  stub.secret = secret;
  stub.issue("good");
  const asked = [];
  const handler = mcpAuth({
    registrationSecret: secret,
    issuer: stub.issuer,
    fetch: (url, init) => {
      asked.push(String(url));
      return fetch(url, init);
    },
  });
  const { call } = await serve(t, echoApp(combinations[1], handler));
  assert.equal((await call("/mcp", { token: "good" })).status, 200);
  assert.deepEqual(asked, [`${stub.issuer}/api/oauth/server`, `${stub.issuer}/api/oauth/introspect`]);
});

test("require and import give the same functions", async () => {
  assert.equal(require("mcpAuth").mcpAuth, mcpAuth);
});

test("without an MCP SDK the error says what to install", () => {
  assert.throws(() => loadSdk(["/nowhere/main.js"]), /Install @modelcontextprotocol\/sdk/);
});
