// The packed package in fresh installs of every supported combination, with the README's servers verbatim and real MCP clients.
// The installs live outside this folder, so that nothing installed here can be found from there.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as second from "@modelcontextprotocol/client";
import * as firstClient from "@modelcontextprotocol/sdk/client/index.js";
import * as firstHttp from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { startIssuer } from "../support/stub_issuer.mjs";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const clients = { "client 1": { ...firstClient, ...firstHttp }, "client 2": second };
const LINE = 'app.use("/mcp", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }));\n';

let work;
let tarball;
let snippets;
before(async () => {
  work = await mkdtemp(join(tmpdir(), "mcpauth-installs-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", work], { cwd: root });
  tarball = join(work, JSON.parse(stdout.slice(stdout.indexOf("[\n")))[0].filename);
  const readme = await readFile(join(root, "README.md"), "utf8");
  snippets = Object.fromEntries([...readme.matchAll(/<!-- snippet: (.*?) -->\n```js\n([\s\S]*?)```/g)].map(([, name, code]) => [name, code]));
});
after(() => rm(work, { recursive: true, force: true }));

for (const sdk of [1, 2]) {
  for (const express of [4, 5]) {
    const name = `sdk${sdk}-express${express}`;
    describe(name, () => {
      let folder;
      before(async () => {
        folder = join(work, name);
        await cp(join(here, name), folder, { recursive: true });
        const lock = await readFile(join(folder, "package-lock.json"), "utf8");
        await run("npm", ["install", "--no-save", "--prefer-offline", "--no-audit", "--no-fund", tarball], { cwd: folder });
        assert.equal(await readFile(join(folder, "package-lock.json"), "utf8"), lock, "the lock file decides the versions");
        const installed = JSON.parse(await readFile(join(folder, "node_modules/express/package.json"), "utf8"));
        assert.equal(Number.parseInt(installed.version, 10), express);
      });

      test("the README's server lets real clients with a token through", async (t) => {
        const server = await startServer(t, folder, "server.mjs", snippets[`sdk${sdk}`]);
        await checkAnswers(server);
        for (const [clientName, library] of Object.entries(clients)) {
          const { client } = await connectClient(t, library, server, "good");
          const { tools } = await client.listTools();
          assert.deepEqual(tools.map((tool) => tool.name), ["whoami"], clientName);
          const result = await client.callTool({ name: "whoami", arguments: {} });
          assert.equal(result.content[0].text, "ada@example.com", clientName);
        }
      });

      test("real clients without a token find the issuer and ask it for the right thing (R2, C1)", async (t) => {
        const server = await startServer(t, folder, "server.mjs", snippets[`sdk${sdk}`]);
        for (const [clientName, library] of Object.entries(clients)) {
          const provider = providerFor(undefined);
          await assert.rejects(connectClient(t, library, server, undefined, provider), library.UnauthorizedError, clientName);
          assertAsksFor(provider, server, "mcp:tools", clientName);
        }
      });

      test("real clients step up for a tool that needs more (R8, C7)", async (t) => {
        assert.ok(snippets[`sdk${sdk}`].includes(LINE));
        const server = await startServer(t, folder, "stepup.mjs", snippets[`sdk${sdk}`].replace(LINE, snippets["tool scopes"]));
        for (const [clientName, library] of Object.entries(clients)) {
          const provider = providerFor("good");
          const { client } = await connectClient(t, library, server, "good", provider);
          assert.equal((await client.callTool({ name: "whoami", arguments: {} })).content[0].text, "ada@example.com", clientName);
          await assert.rejects(client.callTool({ name: "add_note", arguments: {} }), library.UnauthorizedError, clientName);
          assertAsksFor(provider, server, "mcp:tools notes:write", clientName);
        }
      });

      test("require works as well", async (t) => {
        const code = [
          'const express = require("express");',
          'const { mcpAuth } = require("mcpAuth");',
          "const app = express();",
          LINE.trim(),
          'app.use("/mcp", (req, res) => res.json(req.auth.extra.username));',
          "app.listen(process.env.PORT);",
        ].join("\n");
        const server = await startServer(t, folder, "server.cjs", code);
        await checkAnswers(server);
        const answer = await fetch(server.url, { headers: { Authorization: "Bearer good" } });
        assert.equal(await answer.json(), "ada@example.com");
      });
    });
  }
}

/** Runs a server in an install until the test ends; its issuer accepts the token "good". */
async function startServer(t, folder, file, code) {
  const port = await freePort();
  const url = `http://localhost:${port}/mcp`;
  const stub = await startIssuer(url);
  t.after(stub.close);
  stub.issue("good");
  await writeFile(join(folder, file), code);
  const env = { PATH: process.env.PATH, PORT: String(port), MCPAUTH_SECRET: stub.secret };
  const child = spawn(process.execPath, [file], { cwd: folder, env, stdio: ["ignore", "inherit", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill();
    await ended;
    assert.equal(errors, "", "the server has nothing to complain about");
  });
  while (!(await listening(port))) assert.equal(child.exitCode, null, errors);
  return { url, origin: `http://localhost:${port}`, stub };
}

async function checkAnswers({ url, origin, stub }) {
  const refused = await fetch(url, { method: "POST" });
  assert.equal(refused.status, 401);
  const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
  assert.equal(refused.headers.get("www-authenticate"), `Bearer scope="mcp:tools", resource_metadata="${metadata}"`);
  for (const address of [metadata, `${origin}/.well-known/oauth-protected-resource`]) {
    const document = await (await fetch(address)).json();
    assert.equal(document.resource, url);
    assert.deepEqual(document.authorization_servers, [stub.issuer]);
  }
  assert.deepEqual(await (await fetch(`${origin}/.well-known/oauth-authorization-server`)).json(), stub.metadata);
  assert.equal((await fetch(url, { method: "POST", headers: { Authorization: "Bearer bad" } })).status, 401);
  assert.equal((await fetch(url, { method: "OPTIONS" })).status, 204);
}

async function connectClient(t, library, { url }, token, provider) {
  const client = new library.Client({ name: "test", version: "1.0.0" });
  const headers = token === undefined || provider ? {} : { Authorization: `Bearer ${token}` };
  const transport = new library.StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, ...(provider && { authProvider: provider }) });
  t.after(() => client.close());
  await client.connect(transport);
  return { client };
}

/** An OAuth client that is registered already and notes where it would send its user. */
function providerFor(token) {
  return {
    redirectUrl: "http://127.0.0.1:3999/callback",
    clientMetadata: { client_name: "test", redirect_uris: ["http://127.0.0.1:3999/callback"] },
    clientInformation: () => ({ client_id: "client-1" }),
    tokens: () => (token === undefined ? undefined : { access_token: token, token_type: "Bearer" }),
    saveTokens() {},
    saveCodeVerifier() {},
    codeVerifier: () => "verifier",
    redirectToAuthorization(url) {
      this.asked = url;
    },
  };
}

function assertAsksFor({ asked }, { url, stub }, scope, clientName) {
  assert.ok(asked, `${clientName} sends its user to the issuer`);
  assert.equal(asked.origin + asked.pathname, stub.metadata.authorization_endpoint, clientName);
  assert.equal(asked.searchParams.get("resource"), url, clientName);
  assert.deepEqual(asked.searchParams.get("scope").split(" ").sort(), scope.split(" ").sort(), clientName);
}

async function freePort() {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function listening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "localhost", () => resolve(socket.end() && true));
    socket.on("error", () => resolve(false));
  });
}
