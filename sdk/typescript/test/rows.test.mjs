// The contract of guards (../../contract) as this guard meets it, on both Express and both SDK versions: the Go guard runs the same rows.
// MCPAUTH_CONTRACT is the address of a project that somebody else started; without it a fake one is.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { combinations, guardFor, serve } from "./support/servers.mjs";
import { differs, expand, expandText, parseStrictly } from "./support/differs.mjs";

const folder = new URL("../../contract/", import.meta.url);
const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
const files = await Promise.all(names.map(async (name) => JSON.parse(await readFile(new URL(name, folder), "utf8"))));
const answers = Object.assign({}, ...files.map((file) => file.answers));
const rows = files.flatMap((file) => file.rows);
const OPTIONS = {
  required_scopes: "requiredScopes", tool_scopes: "toolScopes", implied_scopes: "impliedScopes", resource: "resource", allowed_origins: "allowedOrigins",
  cache_seconds: "cacheSeconds", report_calls: "reportCalls",
};
const COUNTED = { asked: "introspection", fetched: "keys", configured: "configuration" };

const product = process.env.MCPAUTH_CONTRACT !== undefined;
let address = process.env.MCPAUTH_CONTRACT;

if (!product) {
  let project, place;
  before(async () => {
    place = await mkdtemp(join(tmpdir(), "contract-"));
    execFileSync("go", ["build", "-o", join(place, "project"), "./project"], { cwd: fileURLToPath(folder) });
    project = spawn(join(place, "project"), { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = await once(project.stdout, "data");
    address = String(line).trim();
  });
  after(async () => {
    project.stdin.end();
    await once(project, "exit");
    await rm(place, { recursive: true });
  });
}

async function control(method, path, body) {
  const response = await fetch(address + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  assert.equal(response.status, 200, `${method} ${path}: got ${response.status} ${text}, want 200`);
  return JSON.parse(text);
}

/** One row under way: a project, a guard before a server that says what reached it, and the guard's clock. */
async function startRow(t, combination, row, way) {
  const { id, secret, vars } = await control("POST", "/projects", { row: row.name });
  const clock = { now: Date.now() };
  const given = Object.entries(row.guard ?? {}).map(([name, value]) => {
    assert.ok(OPTIONS[name], `got ${name}, want an option that this guard has`);
    return [OPTIONS[name], value];
  });
  const options = { ...Object.fromEntries(given), ...(way === "ask" ? { verification: "introspection" } : {}) };
  const guard = guardFor({ secret }, combination, options, { now: () => clock.now });
  const app = combination.express();
  let open = 0;
  app.use((_req, res, next) => ((open += 1), res.once("close", () => (open -= 1)), next()));
  app.use("/mcp", guard.handler, sayWhatCame);
  const { port } = await serve(t, app);
  t.after(() => guard.handler.close());
  const settled = async () => {
    while (open > 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const seen = () => control("GET", `/projects/${id}`);
  return { row, id, vars, clock, guard, port, seen, settled };
}

async function sayWhatCame(req, res) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const { auth } = req;
  res.statusCode = req.headers["x-answer"] ? 418 : 200;
  res.json({
    body: Buffer.concat(chunks).toString(), authorization: req.headers.authorization ?? null,
    identity: auth && { subject: auth.extra.sub, client: auth.clientId, issuer: auth.extra.iss, grant: auth.extra.sid, username: auth.extra.username, scopes: auth.scopes },
  });
}

function bodyOf(step, vars) {
  const body = step.body ?? step.request?.body;
  if (typeof body === "object") return body.begin + body.repeat.repeat(body.times) + body.end;
  return step.body ?? (body === undefined ? "{}" : expandText(body, vars));
}

/** Sends what a step says and returns the answer, as expectations speak of it. */
function send(run, step) {
  const { method = "POST", path = "/mcp", headers: given = [] } = step.request ?? {};
  const withBody = method === "POST" || method === "PUT";
  const headers = { Connection: "close", ...(withBody && { "Content-Type": "application/json" }), ...(step.token && { Authorization: `Bearer ${run.vars[`token ${step.token}`]}` }) };
  for (const name of new Set(given.map(([name]) => name))) headers[name] = given.filter(([other]) => other === name).map(([, value]) => expandText(value, run.vars));
  return new Promise((resolve, reject) => {
    const req = httpRequest({ host: "127.0.0.1", port: run.port, method, path: expandText(path, run.vars), headers });
    let answered = false;
    req.on("error", (error) => answered || reject(error)); // a body that is too long is not read to its end
    req.on("response", async (response) => {
      answered = true;
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: response.statusCode, headers: response.headers, text, json: parsed(text), challenge: parseStrictly(response.headersDistinct["www-authenticate"]) });
    });
    req.end(withBody ? bodyOf(step, run.vars) : undefined);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function expectation(given) {
  const { like, ...own } = typeof given === "string" ? { like: given } : given;
  assert.ok(like === undefined || answers[like], `got ${like}, want the name of an answer`);
  const out = { ...answers[like] };
  for (const [member, value] of Object.entries(own)) {
    const both = member !== "challenge" && [value, out[member]].every((one) => typeof one === "object" && one !== null && !Array.isArray(one));
    out[member] = both ? { ...out[member], ...value } : value;
  }
  return out;
}

async function tryStep(run, step) {
  const { requests: old } = await run.seen();
  const got = await send(run, step);
  const { requests } = await run.seen();
  for (const [member, at] of Object.entries(COUNTED)) got[member] = (requests[at] ?? 0) - (old[at] ?? 0);
  got.retried = (requests.feed ?? 0) > 1;
  if (got.status === 200) got.handler = got.json;
  return differs(expand(expectation(step.expect), run.vars), got);
}

/** Calls until a token that the guard never saw is judged without a question, and uses it from then on. */
async function untilLocal(run, token) {
  for (;;) {
    run.vars[`token ${token}`] = (await control("POST", `/projects/${run.id}/tokens`, { token })).token;
    const { requests: old } = await run.seen();
    const { status } = await send(run, { token });
    if ((status === 200 || status === 403) && (await run.seen()).requests.introspection === old.introspection) return;
  }
}

async function takeStep(run, step, number) {
  const at = `${run.row.name}, step ${number} ${step.what ?? ""}`;
  if (step.do) await control("POST", `/projects/${run.id}/do`, step.do);
  else if (step.advance) run.clock.now += step.advance * 1000;
  else if (step.local) await untilLocal(run, step.local);
  else if (step.report) {
    await run.settled();
    await run.guard.handler.close();
    assert.equal(differs(expand(step.report, run.vars), (await run.seen()).calls), "", at);
  } else if (step.until) while ((await tryStep(run, step)) !== "");
  else assert.equal(await tryStep(run, step), "", at);
}

for (const combination of combinations) {
  describe(combination.name, { concurrency: 4 }, () => {
    for (const row of rows) {
      for (const way of (row.ways ?? ["ask", "local"]).filter((way) => !product || !(row.not_real || row.not_real_ways?.[way]))) {
        test(`${row.name}/${way}`, async (t) => {
          const run = await startRow(t, combination, row, way);
          if (way === "local") await untilLocal(run, "good");
          for (const [number, step] of row.steps.entries()) await takeStep(run, step, number);
          await run.guard.handler.close();
          assert.deepEqual((await run.seen()).wrong, []);
        });
      }
    }
  });
}
