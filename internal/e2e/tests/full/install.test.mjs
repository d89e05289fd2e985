// From an empty folder, with nothing but the address of a running product: the lines of the set-up page install the SDKs, its programs
// run as they stand, and real clients get to a tool call.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { launchBrowser, newProfile } from "../../support/browser.mjs";
import { createProject, signInMember } from "../../support/developer.mjs";
import { GoClient } from "../../support/go_client.mjs";
import { freePort } from "../../support/local_servers.mjs";
import { McpApp, SDKS } from "../../support/mcp_client.mjs";
import { decide, signUp, stranger } from "../../support/person.mjs";
import { startProduct } from "../../support/product.mjs";

const run = promisify(execFile);
const STARTS_WITHIN = 120_000; // milliseconds, compiling included

let product;
let browser;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await product?.stopAndCheck();
});

test("Node: the package of this installation, by the lines of the set-up page", async (t) => {
  const { serverUrl, page, folder, start } = await setUp(t, "Express", "server.mjs");
  const base = new URL(product.dev.dashboard_url).origin;
  const lock = JSON.parse(await readFile(join(folder, "package-lock.json"), "utf8"));
  const ours = lock.packages["node_modules/mcpAuth"];
  assert.ok(ours.resolved.startsWith(`${base}/sdk/mcpauth-`), `the guard comes from ${ours.resolved}`);
  assert.match(ours.integrity, /^sha512-/);
  assert.equal(ours.hasInstallScript, undefined, "nothing runs when it is installed");
  await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder }); // the lock file alone is enough, as in continuous integration
  await checkTypes(folder);

  await start();
  const ada = stranger(product.canaries);
  const app = await McpApp.install(t, SDKS[1], product, serverUrl);
  await app.connect((url) => approve(page, url, ada));
  assert.equal(await app.call("whoami"), ada.email);
});

test("Go: the module of this installation, by the lines of the set-up page", async (t) => {
  const { serverUrl, page, folder, start } = await setUp(t, "Go", "main.go");
  await start();
  const sums = await readFile(join(folder, "go.sum"), "utf8");
  const [, version, sum] = /^mcpauth\.example\/sdk\/go (v\S+) (h1:\S+)$/m.exec(sums) ?? [];
  const beside = `${new URL(product.dev.dashboard_url).origin}/go/mcpauth.example/sdk/go/@v/${version}.ziphash`;
  assert.equal(await (await fetch(beside)).text(), `${sum}\n`, "the checksum beside the module is the one that the go command computed");

  const ada = stranger(product.canaries);
  const client = await GoClient.connect(t, serverUrl, (url) => approve(page, url, ada));
  assert.deepEqual(await client.tools(), ["whoami"]);
  assert.equal(await client.call("whoami"), ada.email);
});

/** Creates a project, and in an empty folder does what its set-up page says for one kind of server: the program is started by start(). */
async function setUp(t, label, file) {
  const port = await freePort();
  const serverUrl = `http://localhost:${port}/mcp`;
  const { page } = await newProfile(t, browser);
  await signInMember(page, product);
  await createProject(page, product, { name: `${label} from nothing`, serverUrl });
  const tab = page.locator(`[data-label="${label}"]`);
  const install = await tab.getByTestId("install").textContent();
  const program = await tab.getByTestId("snippet").textContent();
  const env = await page.locator("env-download").first().getAttribute("data-content");

  const folder = await mkdtemp(join(tmpdir(), "mcpauth-install-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  assert.deepEqual(await readdir(folder), []);
  const environment = await freshModules(t);
  await run("sh", ["-e", "-c", install], { cwd: folder, env: environment });
  await writeFile(join(folder, file), program);
  await writeFile(join(folder, "mcpauth.env"), env);
  const [, command] = /^\/\/ \S+; to start it: (.+)$/m.exec(program);
  return { serverUrl, page, folder, start: () => start(t, { command, folder, environment, serverUrl }) };
}

/** The environment of this process with an empty module cache: what is in the usual one comes first of "the usual" proxies. */
async function freshModules(t) {
  const cache = await mkdtemp(join(tmpdir(), "mcpauth-modules-"));
  await chmod(cache, 0o755);
  t.after(() => rm(cache, { recursive: true, force: true }));
  const [usual, proxy, flags] = execFileSync("go", ["env", "GOMODCACHE", "GOPROXY", "GOFLAGS"], { encoding: "utf8" }).split("\n");
  await mkdir(join(usual, "cache/download"), { recursive: true });
  return { ...process.env, GOMODCACHE: cache, GOFLAGS: `${flags} -modcacherw`.trim(), GOWORK: "off", GOPROXY: `file://${usual}/cache/download,${proxy}` };
}

/** Runs the command of the set-up page until the test ends; returns when a request without a token is refused. */
async function start(t, { command, folder, environment, serverUrl }) {
  const child = spawn("sh", ["-c", command], { cwd: folder, env: environment, detached: true, stdio: ["ignore", "inherit", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const ended = once(child, "close");
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGTERM"); // the command and what it started
    await ended;
  });
  const late = Date.now() + STARTS_WITHIN;
  for (;;) {
    assert.equal(child.exitCode, null, errors);
    assert.ok(Date.now() < late, `not ready in time\n${errors}`);
    const answer = await fetch(serverUrl, { method: "POST" }).catch(() => undefined);
    if (answer?.status === 401) return assert.match(answer.headers.get("www-authenticate"), /resource_metadata=/);
    await new Promise(setImmediate);
  }
}

/** Types resolve for both kinds of import, with the compiler that the SDK is built with. */
async function checkTypes(folder) {
  const compiler = new URL("../../../../sdk/typescript/node_modules/typescript/bin/tsc", import.meta.url).pathname;
  await writeFile(join(folder, "a.mts"), 'import { mcpAuth } from "mcpAuth";\nexport const guard: ReturnType<typeof mcpAuth> = mcpAuth({ registrationSecret: "x" });\n');
  await writeFile(join(folder, "b.cts"), 'import mcpauth = require("mcpAuth");\nexport const guard = mcpauth.mcpAuth({ registrationSecret: "x" });\n');
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--forceConsistentCasingInFileNames"];
  await run(process.execPath, [compiler, ...flags, "a.mts", "b.cts"], { cwd: folder }).catch((error) => assert.fail(error.stdout));
  await run(process.execPath, ["-e", 'require("mcpAuth").mcpAuth.call'], { cwd: folder });
}

/** What the person does in the browser: creates an account, allows. */
async function approve(page, url, person) {
  await page.goto(url);
  await signUp(page, product, person);
  await decide(page, "Allow");
}
