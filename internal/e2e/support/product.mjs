// Builds the product, runs `mcpauth dev` in a folder of its own, and ends it.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as within } from "node:timers/promises";
import { Canaries } from "./canaries.mjs";
import { results, root } from "./places.mjs";

const STARTS_WITHIN = 60_000; // milliseconds, a cold database included
const STOPS_WITHIN = 20_000;

/**
 * Builds a Go program of the repository and returns its path. The Go command leaves a current one as it is; place and flags are those of
 * internal/built, which shares the product with the Go tests.
 */
export function build(name, folder) {
  const path = join(root, "bin", "test", name);
  execFileSync("go", ["build", "-trimpath", "-ldflags=-s", "-buildvcs=false", "-o", path, folder], {
    cwd: root, stdio: "inherit", env: { ...process.env, CGO_ENABLED: "0" },
  });
  return path;
}

/** Starts the product on free ports. `dev` is the content of its dev.json. */
export async function startProduct() {
  const program = build("mcpauth", "./cmd/mcpauth");
  const dataDir = await mkdtemp(join(tmpdir(), "mcpauth-e2e-"));
  await chmod(dataDir, 0o755); // so that the database, which runs under an account of its own, has its place in it
  const child = spawn(program, ["dev", "--verbose", "--data-dir", dataDir, "--listen", "localhost:0", "--mcp-listen", "localhost:0"], {
    cwd: dataDir, env: { PATH: process.env.PATH, HOME: dataDir }, stdio: ["ignore", "pipe", "pipe"],
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1)); // a test runner out of patience
  process.once("exit", () => child.kill());
  const output = { stdout: "", stderr: "" };
  const file = createWriteStream(join(results("logs"), `${basename(process.argv[1], ".test.mjs")}.log`));
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (text) => (output[stream] += text));
  }
  child.stderr.on("data", (text) => file.write(text));
  const ended = once(child, "close");
  const product = new Product({ program, child, ended, output, dataDir });
  try {
    product.dev = await devInfo(dataDir, child, output);
  } catch (error) {
    await product.stop();
    throw error;
  }
  product.canaries.note("registration secret", product.dev.registration_secret);
  product.canaries.note("password", product.dev.member_password);
  product.canaries.note("password", product.dev.user_password);
  return product;
}

/** A running product. */
class Product {
  dev;
  canaries = new Canaries();

  constructor({ program, child, ended, output, dataDir }) {
    Object.assign(this, { program, child, ended, output, dataDir });
  }

  /** The address of an issuer's RFC 8414 metadata in the form with a path, or without one. */
  static metadataUrl(issuer) {
    const { origin, pathname } = new URL(issuer);
    return `${origin}/.well-known/oauth-authorization-server${pathname === "/" ? "" : pathname}`;
  }

  /** An issuer's metadata. */
  async metadata(issuer = this.dev.issuer) {
    const response = await fetch(Product.metadataUrl(issuer));
    assert.equal(response.status, 200, issuer);
    return response.json();
  }

  /** What `mcpauth doctor` says of an MCP server. */
  async doctor(...args) {
    const child = spawn(this.program, ["doctor", "--json", ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const [report, [status]] = await Promise.all([text(child.stdout), once(child, "close")]);
    return { status, report: JSON.parse(report) };
  }

  /** Runs `mcpauth project …` on the demo, as an operator does, and returns what it prints. */
  project(command, args = [], input = "") {
    return this.operate(["project", command, "--project", "demo", ...args], { input });
  }

  /** Runs a command of the product, or another program, with the settings of this run, and returns what it prints. */
  async operate(args, { program = this.program, input = "" } = {}) {
    const lines = (await readFile(join(this.dataDir, "dev.env"), "utf8")).split("\n").filter(Boolean);
    const settings = Object.fromEntries(lines.map((line) => /^(\w+)='(.*)'$/.exec(line).slice(1)));
    return execFileSync(program, args, { env: { PATH: process.env.PATH, ...settings }, input, encoding: "utf8" }).trim();
  }

  /** Ends the product by its own process id, and says whether it ended well. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill("SIGTERM");
      const timer = new AbortController();
      const late = within(STOPS_WITHIN, undefined, { signal: timer.signal, ref: false }).then(() => this.child.kill("SIGKILL"), () => {});
      await this.ended;
      timer.abort();
      await late;
    }
    return { code: this.child.exitCode, signal: this.child.signalCode };
  }

  /**
   * Ends the product and checks what it leaves: it ended well, nothing went wrong inside, and no credential of this run is in a log or
   * in the database. dev.json holds the seeded credentials by design, and the terminal shows the two passwords.
   */
  async stopAndCheck() {
    const { code, signal } = await this.stop();
    try {
      assert.deepEqual({ code, signal }, { code: 0, signal: null }, `mcpauth dev ended well\n${this.output.stderr.slice(-2000)}`);
      const lines = this.output.stderr.split("\n").filter(Boolean).map(parseLine);
      assert.deepEqual(lines.filter((line) => line.level === "ERROR"), [], "no error in the log");
      const log = lines.map(({ time, duration, ...rest }) => JSON.stringify(rest)).join("\n");
      assert.deepEqual(this.canaries.foundIn(log), [], "kinds of credential in the log");
      const welcome = this.output.stdout.replace(this.dev.member_password, "").replace(this.dev.user_password, "");
      assert.deepEqual(this.canaries.foundIn(welcome), [], "kinds of credential on the terminal");
      assert.deepEqual(await this.canaries.foundBelow(this.dataDir, ["dev.json"]), [], "files of the data folder with a credential");
    } finally {
      await rm(this.dataDir, { recursive: true, force: true });
    }
  }
}

/** Waits until the product says that it runs, dev.json is there by then, and until the issuer in it answers. */
async function devInfo(dataDir, child, output) {
  const timer = new AbortController();
  const failed = once(child, "exit", { signal: timer.signal }).then(([code]) => `ended with ${code}`);
  const late = within(STARTS_WITHIN, "was not ready in time", { signal: timer.signal });
  const welcome = once(child.stdout, "data", { signal: timer.signal }).then(() => undefined);
  const problem = await Promise.race([welcome, failed, late]);
  timer.abort();
  await Promise.allSettled([failed, late]);
  if (problem) throw new Error(`mcpauth dev ${problem}\n${output.stderr.slice(-4000)}`);
  const dev = JSON.parse(await readFile(join(dataDir, "dev.json"), "utf8"));
  assert.equal((await fetch(Product.metadataUrl(dev.issuer))).status, 200, "the issuer answers");
  return dev;
}

function parseLine(line) {
  try {
    return JSON.parse(line);
  } catch {
    return { level: "ERROR", msg: `not a JSON line: ${line}` };
  }
}
