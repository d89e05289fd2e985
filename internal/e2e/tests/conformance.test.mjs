// The MCP project's own conformance suite for authorization servers, against both forms of an issuer URL. Its exit status is no proof
// (a scenario without a client is reported as passed), so the checks that it writes down are read.
import "../support/resolve_localhost.cjs";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launchBrowser, newProfile } from "../support/browser.mjs";
import { freePort } from "../support/local_servers.mjs";
import { RawClient } from "../support/oauth.mjs";
import { newerNode, results, suite } from "../support/places.mjs";
import { decide, signIn } from "../support/person.mjs";
import { startProduct } from "../support/product.mjs";

const EXPECTED = [
  "authorization-code-grant",
  "authorization-server-metadata",
  "authorization-server-metadata-cimd",
];

let product;
let browser;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await product?.stopAndCheck();
});

for (const [form, issuerOf] of Object.entries({ path: (dev) => dev.issuer, host: (dev) => dev.issuer_alias })) {
  test(`the issuer in ${form} form passes every check (A2..A7, A11, A14..A16, A21)`, async (t) => {
    const { dev } = product;
    const issuer = issuerOf(dev);
    const port = await freePort("127.0.0.1");
    const client = await RawClient.register(product, issuer, `http://127.0.0.1:${port}/callback`, "Conformance");
    const { page } = await newProfile(t, browser);
    const folder = results("conformance", form);
    await rm(folder, { recursive: true });

    const output = await runConformance(t, ["--url", issuer, "--client-id", client.clientId, "--resource", dev.mcp_server_url,
      "--port", String(port), "-o", folder], async (url) => {
      assert.ok(url.startsWith(`${issuer}/oauth/authorize?`));
      await page.goto(url);
      await signIn(page, { email: dev.user_email, password: dev.user_password });
      await decide(page, "Allow");
      await page.waitForURL(`http://127.0.0.1:${port}/callback?*`);
      product.canaries.note("authorization code", new URL(page.url()).searchParams.get("code"));
    });

    const checks = await readChecks(folder);
    assert.deepEqual([...new Set(checks.map((check) => check.id))].sort(), EXPECTED, output);
    const failed = checks.filter((check) => check.status !== "SUCCESS");
    assert.deepEqual(failed, [], output);
  });
}

/** Runs the suite; `visit(url)` is what the person does with the address it prints. Returns what it printed. */
async function runConformance(t, args, visit) {
  const preload = fileURLToPath(new URL("../support/resolve_localhost.cjs", import.meta.url));
  const program = join(suite, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
  const child = spawn(newerNode(), ["--require", preload, program, "authorization", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  t.after(() => child.kill());
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (printed += text));
  const visits = [];
  for await (const line of createInterface({ input: child.stdout })) {
    printed += `${line}\n`;
    const url = /^\s*(https?:\/\/\S+\/authorize\?\S+)/.exec(line)?.[1];
    if (url) visits.push(visit(url).catch((error) => child.kill() && Promise.reject(error)));
  }
  await Promise.all(visits);
  await ended;
  assert.equal(visits.length, 1, `one authorization\n${printed}`);
  return printed;
}

/** The checks of every scenario below the folder. */
async function readChecks(folder) {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith("checks.json"));
  const checks = await Promise.all(files.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8"))));
  return checks.flat();
}
