// What a guarded server answers: checklist R1 to R13, on both Express and both SDK versions.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { request } from "node:http";
import { combinations, echoApp, guardFor, serve } from "./support/servers.mjs";
import { startIssuer } from "./support/stub_issuer.mjs";

const METADATA_URL = "http://localhost:8090/.well-known/oauth-protected-resource/mcp";

for (const combination of combinations) {
  describe(combination.name, { concurrency: true }, () => {
    const start = async (t, options, around) => {
      const stub = await startIssuer();
      t.after(stub.close);
      const guard = guardFor(stub, combination, options, around);
      const server = await serve(t, echoApp(combination, guard.handler));
      return { stub, ...guard, ...server };
    };

    test("no credentials: 401 that says where to go and what to ask for, without an error code (R2, R5, R13)", async (t) => {
      const { call } = await start(t);
      for (const headers of [{}, { Authorization: "Basic YTpi" }, { Authorization: "Bearer" }, { Authorization: "Bearer " }]) {
        const answer = await call("/mcp", { headers });
        assert.equal(answer.status, 401);
        assert.deepEqual(answer.challenge, { scheme: "Bearer", scope: "mcp:tools", resource_metadata: METADATA_URL });
        assert.equal(answer.headers.get("cache-control"), "no-store");
        assert.equal(answer.headers.get("access-control-allow-origin"), "*");
        assert.match(answer.headers.get("access-control-expose-headers"), /WWW-Authenticate/);
        assert.match(answer.json.error_description, /^Unauthorized: ./, "some clients know a 401 by this word only");
      }
    });

    test("malformed credentials: 400 invalid_request, and 401 for one word that is no token; neither is asked about (R13)", async (t) => {
      const { call, stub } = await start(t);
      for (const [value, status, error] of [
        ["Bearer a b", 400, "invalid_request"], ["Bearer a\"b", 401, "invalid_token"], ["Bearer =", 401, "invalid_token"], [`Bearer ${"a".repeat(15000)}"`, 401, "invalid_token"],
      ]) {
        const answer = await call("/mcp", { headers: { Authorization: value } });
        assert.equal(answer.status, status, value.slice(0, 20));
        assert.equal(answer.challenge.error, error);
        assert.equal(answer.json.error, error);
      }
      assert.equal(stub.seen["/t/demo/api/oauth/introspect"], undefined);
    });

    test("a token in the query or the body counts for nothing (R11)", async (t) => {
      const { call, stub } = await start(t);
      stub.issue("good");
      assert.equal((await call("/mcp?access_token=good")).status, 401);
      const form = { method: "POST", body: "access_token=good", headers: { "Content-Type": "application/x-www-form-urlencoded" } };
      assert.equal((await call("/mcp", form)).status, 401);
    });

    test("a good token passes and says who is calling", async (t) => {
      const { call, stub } = await start(t);
      stub.issue("good", { scope: "mcp:tools notes:write" });
      const answer = await call("/mcp/deeper?x=1", { token: "good" });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("cache-control"), null);
      const { auth } = answer.json;
      assert.equal(auth.token, "good");
      assert.equal(auth.clientId, "client-1");
      assert.deepEqual(auth.scopes, ["mcp:tools", "notes:write"]);
      assert.equal(auth.resource, "http://localhost:8090/mcp");
      assert.equal(auth.expiresAt, stub.tokens.get("good").exp);
      assert.deepEqual(auth.extra, { iss: stub.issuer, sub: "0190-ada", sid: "grant-1", username: "ada@example.com" });
      assert.equal((await call("/mcp", { headers: { Authorization: "bearer good" } })).status, 200);
    });

    const bad = {
      "unknown or revoked": { active: false },
      "expired": { exp: Math.floor(Date.now() / 1000) - 1 },
      "for another server (R7)": { aud: "http://localhost:8090/other" },
      "for the origin only": { aud: "http://localhost:8090" },
      "for our URL with a slash": { aud: "http://localhost:8090/mcp/" },
      "for nobody (R7)": { aud: undefined },
      "for several others": { aud: ["http://localhost:8090/a", "http://localhost:8090/b"] },
      "from another issuer": { iss: "https://evil.example" },
      "from an issuer with a slash (P2)": { iss: "http://demo.localhost:8080/" },
      "without an issuer": { iss: undefined },
      "bound to a key": { token_type: "DPoP" },
    };
    test("a bad token: 401 invalid_token (R7)", async (t) => {
      const { call, stub } = await start(t);
      for (const [name, claims] of Object.entries(bad)) {
        const token = stub.issue(`bad-${Object.keys(bad).indexOf(name)}`, claims);
        const answer = await call("/mcp", { token });
        assert.equal(answer.status, 401, name);
        assert.equal(answer.json.error, "invalid_token", name);
        assert.match(answer.json.error_description, /^Unauthorized: ./, name);
        assert.equal(answer.challenge.error, "invalid_token", name);
        assert.equal(answer.challenge.scope, "mcp:tools", name);
        assert.equal(answer.challenge.resource_metadata, METADATA_URL, name);
        assert.equal(answer.headers.get("cache-control"), "no-store", name);
        assert.equal(answer.headers.get("access-control-allow-origin"), "*", name);
      }
    });

    test("aud as an array that has our URL, and an alias issuer, are fine", async (t) => {
      const { call, stub } = await start(t);
      stub.issue("good", { aud: ["http://localhost:8090/mcp"], iss: "http://demo.localhost:8080" });
      assert.equal((await call("/mcp", { token: "good" })).status, 200);
    });

    test("missing scope: 403 insufficient_scope with every scope that is needed (R8)", async (t) => {
      const { call, stub } = await start(t, { requiredScopes: ["mcp:tools", "notes:write"] });
      stub.issue("little");
      const answer = await call("/mcp", { token: "little" });
      assert.equal(answer.status, 403);
      assert.equal(answer.json.error, "insufficient_scope");
      assert.equal(answer.challenge.error, "insufficient_scope");
      assert.equal(answer.challenge.scope, "mcp:tools notes:write");
      assert.equal(answer.challenge.resource_metadata, METADATA_URL);
      assert.equal(answer.headers.get("cache-control"), "no-store");
      assert.equal((await call("/mcp")).challenge.scope, "mcp:tools notes:write");
    });

    test("a scope that includes others is enough (R9)", async (t) => {
      const { call, stub } = await start(t, {
        requiredScopes: ["notes:write"],
        impliedScopes: { "notes:admin": ["notes:all"], "notes:all": ["notes:write"], loop: ["loop"] },
      });
      stub.issue("admin", { scope: "notes:admin loop" });
      const answer = await call("/mcp", { token: "admin" });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.json.auth.scopes, ["notes:admin", "loop", "notes:all", "notes:write"]);
    });

    test("OPTIONS needs no token and lets browsers through (R12, P1)", async (t) => {
      const { call } = await start(t);
      const answer = await call("/mcp", { method: "OPTIONS", headers: { "Access-Control-Request-Headers": "x-custom" } });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers.get("access-control-allow-origin"), "*");
      assert.match(answer.headers.get("access-control-allow-methods"), /POST.*DELETE/);
      assert.match(answer.headers.get("access-control-allow-headers"), /Authorization.*MCP-Protocol-Version.*x-custom/);
    });

    test("a CORS middleware that ran before keeps its say", async (t) => {
      const stub = await startIssuer();
      t.after(stub.close);
      const app = combination.express();
      app.use((_req, res, next) => (res.vary("Origin"), res.set("Access-Control-Expose-Headers", "X-Own"), next()));
      app.use("/mcp", guardFor(stub, combination).handler);
      const { call } = await serve(t, app);
      const answer = await call("/mcp");
      assert.equal(answer.headers.get("access-control-allow-origin"), null);
      assert.match(answer.headers.get("access-control-expose-headers"), /^X-Own, WWW-Authenticate/);
    });

    test("our own failure is 503 with Retry-After, never 401", async (t) => {
      const path = "/t/demo/api/oauth/introspect";
      const faults = [
        "drop", { status: 503, headers: { "Retry-After": "7" } }, { status: 429, headers: { "Retry-After": "900" } }, { status: 500 }, { status: 401 },
        { status: 302, headers: { Location: "/elsewhere" } }, { status: 200, body: "<html>" }, { status: 200, body: "[]" }, { status: 200, body: "{}" },
        { status: 200, body: JSON.stringify({ active: true, iss: "x" }) }, { status: 200, body: `{"active":false,"x":"${"x".repeat(300_000)}"}` },
      ];
      const { call, stub, warnings } = await start(t);
      stub.issue("good");
      for (const [index, fault] of faults.entries()) {
        stub.faults[path] = fault;
        const answer = await call("/mcp", { token: `good-${index}` });
        assert.equal(answer.status, 503, JSON.stringify(fault).slice(0, 80));
        assert.equal(answer.json.error, "temporarily_unavailable");
        assert.equal(answer.headers.get("retry-after"), { 1: "7", 2: "60" }[index] ?? "1");
        assert.equal(answer.headers.get("www-authenticate"), null);
        assert.equal(answer.headers.get("cache-control"), "no-store");
      }
      assert.equal(stub.seen["/elsewhere"], undefined, "redirects are not followed");
      assert.equal(warnings.length, 1, "trouble is told once a minute");
      delete stub.faults[path];
      assert.equal((await call("/mcp", { token: "good" })).status, 200);
    });

    test("an issuer that hangs is given up on", async (t) => {
      const { call, stub } = await start(t, {}, { timeout: 50 });
      stub.faults["/t/demo/api/oauth/introspect"] = "hang";
      assert.equal((await call("/mcp", { token: "good" })).status, 503);
    });

    test("until the configuration is known every request gets 503, with a pause between attempts", async (t) => {
      let now = 1_000_000;
      const { call, stub, warnings } = await start(t, {}, { now: () => now });
      const path = "/t/demo/api/oauth/server";
      stub.faults[path] = { status: 500 };
      for (const target of ["/mcp", "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"]) {
        const answer = await call(target);
        assert.equal(answer.status, 503, target);
        assert.equal(answer.headers.get("retry-after"), "1", target);
      }
      assert.equal(stub.seen[path], 1, "no attempt during the pause");
      now += 1_000;
      assert.equal((await call("/mcp")).headers.get("retry-after"), "2", "the pause grows");
      assert.equal(stub.seen[path], 2);
      stub.faults[path] = undefined;
      now += 2_000;
      assert.equal((await call("/mcp")).status, 401);
      assert.equal(warnings.length, 1);
    });

    test("a configuration once known outlives the issuer's trouble and is renewed afterwards", async (t) => {
      let now = Date.now();
      const { call, stub } = await start(t, {}, { now: () => now });
      await call("/mcp");
      const path = "/t/demo/api/oauth/server";
      stub.faults[path] = { status: 500 };
      now += 61_000;
      assert.equal((await call("/mcp")).status, 401);
      delete stub.faults[path];
      stub.configuration.default_scopes = ["notes:write"];
      for (;;) {
        now += 61_000;
        if ((await call("/mcp")).challenge.scope === "notes:write") break;
      }
    });

    test("a refused registration secret is our trouble, and the log says what to do without repeating it", async (t) => {
      const { call, stub, warnings } = await start(t);
      stub.secret = "another";
      assert.equal((await call("/mcp", { token: "tok-secret-value" })).status, 503);
      assert.match(warnings[0], /MCPAUTH_SECRET/);
      assert.doesNotMatch(warnings.join(), /mcpauth_rs_|tok-secret-value/);
    });

    test("a client that hangs up while its token is checked disturbs nobody", async (t) => {
      const { call, stub, port } = await start(t, { toolScopes: { add_note: ["notes:write"] } });
      stub.issue("good");
      const headers = { Authorization: "Bearer good", "Content-Length": "1000", "Content-Type": "application/json" };
      const req = request({ port, host: "127.0.0.1", path: "/mcp", method: "POST", headers });
      const gone = new Promise((resolve) => req.on("error", resolve));
      req.write('{"jsonrpc"');
      while (!stub.seen["/t/demo/api/oauth/introspect"]) await new Promise((resolve) => setImmediate(resolve));
      req.destroy();
      await gone;
      assert.equal((await call("/mcp", { token: "good" })).status, 200);
    });
  });
}
