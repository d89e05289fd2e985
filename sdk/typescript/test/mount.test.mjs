// Where the metadata is found, from one app.use: checklist R1 to R4, P5, P26, P27.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { combinations, echoApp, guardFor, serve } from "./support/servers.mjs";
import { startIssuer } from "./support/stub_issuer.mjs";

const PRM = "/.well-known/oauth-protected-resource";
const ASM = "/.well-known/oauth-authorization-server";

for (const combination of combinations) {
  const { express } = combination;
  describe(combination.name, { concurrency: true }, () => {
    const start = async (t, build, resource, options) => {
      const stub = await startIssuer(resource);
      t.after(stub.close);
      const guard = guardFor(stub, combination, options);
      return { stub, warnings: guard.warnings, ...(await serve(t, build(guard.handler, stub))) };
    };

    test("protected resource metadata at the path and at the root, verbatim (R1, R3, R4, R6, P5, P26)", async (t) => {
      for (const resource of ["http://localhost:8090/mcp", "HTTPS://Tools.Example:443/mcp"]) {
        const { call, stub } = await start(t, (handler) => echoApp(combination, handler), resource);
        for (const path of [`${PRM}/mcp`, PRM, `${PRM}/`, `${PRM}/mcp/`]) {
          const answer = await call(path);
          assert.equal(answer.status, 200, path);
          assert.deepEqual(answer.json, {
            resource,
            authorization_servers: [stub.issuer],
            scopes_supported: ["mcp:tools", "notes:write"],
            bearer_methods_supported: ["header"],
            resource_name: "Demo tools",
          });
          assert.equal(answer.headers.get("access-control-allow-origin"), "*");
          assert.match(answer.headers.get("content-type"), /^application\/json/);
        }
        assert.equal((await call(`${PRM}/other`)).status, 404);
        assert.equal((await call(`${PRM}-more`)).status, 404);
      }
    });

    test("the issuer's metadata is mirrored for clients of the first revision (P27)", async (t) => {
      const { call, stub } = await start(t, (handler) => echoApp(combination, handler));
      for (const path of [ASM, `${ASM}/mcp`]) assert.deepEqual((await call(path)).json, stub.metadata, path);
      assert.equal((await call("/.well-known/openid-configuration")).status, 404);
      assert.equal(stub.bodies.find(({ path }) => path.startsWith(ASM)).authorization, undefined, "no secret for a public document");
    });

    test("metadata that names another issuer is not mirrored (P2)", async (t) => {
      const { call, stub } = await start(t, (handler) => echoApp(combination, handler));
      stub.metadata.issuer += "/";
      assert.equal((await call(ASM)).status, 503);
    });

    test("HEAD and OPTIONS work, nothing else does (P1)", async (t) => {
      const { call } = await start(t, (handler) => echoApp(combination, handler));
      const head = await call(PRM, { method: "HEAD" });
      assert.deepEqual([head.status, head.text], [200, ""]);
      const options = await call(PRM, { method: "OPTIONS", headers: { "Access-Control-Request-Headers": "mcp-protocol-version" } });
      assert.equal(options.status, 204);
      assert.match(options.headers.get("access-control-allow-headers"), /mcp-protocol-version/i);
      const post = await call(PRM, { method: "POST" });
      assert.deepEqual([post.status, post.headers.get("allow"), post.json.error], [405, "GET, HEAD, OPTIONS", "invalid_request"]);
    });

    test("catch-all routes and middlewares before and after do not hide it", async (t) => {
      const { call } = await start(t, (handler) => {
        const app = express();
        app.get(/.*/, (_req, res) => res.send("<html>page</html>"));
        app.use("/mcp", handler);
        app.use((_req, res) => res.send("<html>later</html>"));
        return app;
      });
      assert.equal((await call(`${PRM}/mcp`)).json.resource, "http://localhost:8090/mcp");
      assert.equal((await call("/")).text, "<html>page</html>");
      assert.equal((await call("/.well-known/other")).text, "<html>page</html>");
      assert.equal((await call("/mcp", { method: "POST" })).challenge.resource_metadata, `http://localhost:8090${PRM}/mcp`);
    });

    test("mounted in an application inside an application, in either order", async (t) => {
      for (const outerFirst of [true, false]) {
        const { call, warnings } = await start(t, (handler) => {
          const app = express();
          const inner = express();
          if (outerFirst) app.use("/api", inner);
          inner.use("/mcp", handler);
          if (!outerFirst) app.use("/api", inner);
          return app;
        }, "http://localhost:8090/api/mcp");
        assert.equal((await call(`${PRM}/api/mcp`)).status, 200);
        assert.equal((await call(PRM)).status, 200);
        assert.equal((await call("/api/mcp")).challenge.resource_metadata, `http://localhost:8090${PRM}/api/mcp`);
        assert.deepEqual(warnings, []);
      }
    });

    test("mounted at the root, at several paths, and on a resource that is an origin", async (t) => {
      const root = await start(t, (handler) => express().use(handler).use((_req, res) => res.send("in")));
      assert.equal((await root.call(`${PRM}/mcp`)).status, 200);
      assert.equal((await root.call("/mcp")).challenge.resource_metadata, `http://localhost:8090${PRM}/mcp`);
      const several = await start(t, (handler) => express().use(["/mcp", "/v2"], handler));
      for (const path of ["/mcp", "/v2"]) assert.equal((await several.call(PRM + path)).status, 200);
      const origin = await start(t, (handler) => express().use("/", handler), "https://mcp.example");
      assert.equal((await origin.call(PRM)).json.resource, "https://mcp.example");
      assert.equal((await origin.call("/")).challenge.resource_metadata, `https://mcp.example${PRM}`);
    });

    test("two guards in one application: each answers for its path, the first one at the root", async (t) => {
      const other = await startIssuer("http://localhost:8090/second");
      t.after(other.close);
      const { call } = await start(t, (handler) => express().use("/mcp", handler).use("/second", guardFor(other, combination).handler));
      assert.equal((await call(`${PRM}/mcp`)).json.resource, "http://localhost:8090/mcp");
      assert.equal((await call(`${PRM}/second`)).json.resource, "http://localhost:8090/second");
      assert.equal((await call(PRM)).json.resource, "http://localhost:8090/mcp");
    });

    test("inside a Router it is not told: metadata below the mount, the challenge points there, one warning", async (t) => {
      const { call, stub, warnings } = await start(t, (handler) => {
        const router = express.Router();
        router.use("/mcp", handler);
        router.use("/mcp", (_req, res) => res.send("in"));
        return express().use("/api", router);
      }, "http://localhost:8090/api/mcp");
      const first = await call(`/api/mcp${PRM}`);
      assert.equal(first.json.resource, "http://localhost:8090/api/mcp");
      assert.deepEqual((await call(`/api/mcp${ASM}`)).json, stub.metadata);
      for (let n = 0; n < 3; n += 1) {
        assert.equal((await call("/api/mcp")).challenge.resource_metadata, `http://localhost:8090/api/mcp${PRM}`);
      }
      assert.equal(warnings.length, 1);
      assert.match(warnings[0], /app\.use/);
      stub.issue("good");
      assert.equal((await call("/api/mcp", { token: "good" })).text, "in");
      assert.equal((await call(`${PRM}/api/mcp`)).status, 200, "the application is reached with the first request");
    });

    test("as a route's handler it reaches the application with the first request", async (t) => {
      const { call, stub } = await start(t, (handler) => {
        const app = express();
        app.post("/mcp", handler, (_req, res) => res.send("in"));
        return app;
      });
      const answer = await call("/mcp", { method: "POST" });
      assert.equal(answer.challenge.resource_metadata, `http://localhost:8090${PRM}/mcp`);
      assert.equal((await call(`${PRM}/mcp`)).status, 200);
      stub.issue("good");
      assert.equal((await call("/mcp", { method: "POST", token: "good" })).text, "in");
    });

    test("behind a proxy that takes off a prefix the challenge points below the server's own URL", async (t) => {
      const { call, warnings } = await start(t, (handler) => echoApp(combination, handler), "https://tools.example/team/mcp");
      assert.equal((await call("/mcp")).challenge.resource_metadata, `https://tools.example/team/mcp${PRM}`);
      assert.equal((await call(`/mcp${PRM}`)).json.resource, "https://tools.example/team/mcp");
      assert.equal((await call(`${PRM}/team/mcp`)).status, 200);
      assert.equal(warnings.length, 1);
    });

    test("the resource option wins over the dashboard", async (t) => {
      const resource = "https://alias.example/mcp";
      const { call, stub } = await start(t, (handler) => echoApp(combination, handler), undefined, { resource });
      assert.equal((await call(PRM)).json.resource, resource);
      stub.issue("alias", { aud: resource });
      stub.issue("first");
      assert.equal((await call("/mcp", { token: "alias" })).status, 200);
      assert.equal((await call("/mcp", { token: "first" })).status, 401);
    });
  });
}
