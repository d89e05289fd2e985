// Drives the client made of the go-sdk: commands in, events out, one JSON object a line.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { build } from "./product.mjs";

/** Starts the client against an MCP server for the time of a test. */
export class GoClient {
  #child;
  #events;
  #authorize;

  static async connect(t, serverUrl, authorize) {
    const client = new GoClient();
    client.#authorize = authorize;
    client.#child = spawn(build("goclient", "./internal/e2e/goclient"), ["-url", serverUrl, "-name", "Go client"], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(client.#child, "exit");
    t.after(async () => {
      client.#child.kill();
      await ended;
    });
    client.#events = createInterface({ input: client.#child.stdout })[Symbol.asyncIterator]();
    await client.#next("connected");
    return client;
  }

  async tools() {
    this.#send({ op: "list" });
    return (await this.#next("tools")).tools.sort();
  }

  async call(tool, args = {}) {
    this.#send({ op: "call", tool, args });
    const answer = await this.#next("call");
    assert.ok(!answer.is_error, answer.text);
    return answer.text;
  }

  /** Gets other tokens with the refresh token. */
  async refresh() {
    this.#send({ op: "refresh" });
    await this.#next("refreshed");
  }

  async revoke() {
    this.#send({ op: "revoke" });
    await this.#next("revoked");
  }

  #send(command) {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** The next event of a kind; on the way there the person in the browser does what the client asks for. */
  async #next(kind) {
    for (;;) {
      const { value, done } = await this.#events.next();
      assert.ok(!done, `the Go client ended before "${kind}"`);
      const event = JSON.parse(value);
      if (event.event === kind) return event;
      assert.equal(event.event, "authorize", event.message);
      await this.#authorize(event.url);
    }
  }
}
