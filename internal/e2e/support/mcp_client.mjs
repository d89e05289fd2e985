// MCP clients as people install them: the two generations of the TypeScript SDK with an OAuth provider that keeps everything in memory
// and a loopback callback. The SDK does discovery, registration, PKCE and the token requests; the browser is somebody else's.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as secondGeneration from "@modelcontextprotocol/client";
import { auth, UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import * as firstClient from "@modelcontextprotocol/sdk/client/index.js";
import * as firstHttp from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { startCallback } from "./local_servers.mjs";

/** The SDKs by the name of their package. `finish` hands the returned parameters to the transport the way each wants them. */
export const SDKS = [
  {
    name: "@modelcontextprotocol/sdk 1.32",
    library: { ...firstClient, ...firstHttp, auth, UnauthorizedError },
    finish: (transport, returned) => transport.finishAuth(returned.get("code")),
  },
  {
    name: "@modelcontextprotocol/client 2.4",
    library: secondGeneration,
    finish: (transport, returned) => transport.finishAuth(returned),
  },
];

/** One installed client, connected to one MCP server. */
export class McpApp {
  /** Where the SDK last wanted to send its user. */
  asked;
  #registration;
  #tokens;
  #verifier;
  #state;
  #discovery;
  #connection;

  constructor({ sdk, product, serverUrl, callback, keepsRefreshToken }) {
    Object.assign(this, { sdk, product, serverUrl, callback, name: sdk.name, keepsRefreshToken });
  }

  /** Installs a client for the time of a test. */
  static async install(t, sdk, product, serverUrl, { keepsRefreshToken = true } = {}) {
    const app = new McpApp({ sdk, product, serverUrl, callback: await startCallback(t), keepsRefreshToken });
    t.after(() => app.#connection?.client.close());
    return app;
  }

  /** Connects; `authorize(url)` is what the person does in the browser when the SDK asks for it. */
  async connect(authorize) {
    await this.#withAuthorization(authorize, async () => {
      await this.#connection?.client.close();
      const { Client, StreamableHTTPClientTransport } = this.sdk.library;
      const client = new Client({ name: this.name, version: "1.0.0" });
      const transport = new StreamableHTTPClientTransport(new URL(this.serverUrl), { authProvider: this.#provider() });
      this.#connection = { client, transport };
      await client.connect(transport);
    });
  }

  /** The names of the server's tools. */
  async tools() {
    const { tools } = await this.#connection.client.listTools();
    return tools.map((tool) => tool.name).sort();
  }

  /** The text that a tool answers; `authorize(url)` steps up when the tool needs more than is allowed so far. */
  async call(name, args = {}, authorize = undefined) {
    let result;
    await this.#withAuthorization(authorize, async () => {
      result = await this.#connection.client.callTool({ name, arguments: args });
    });
    assert.notEqual(result.isError, true, JSON.stringify(result.content));
    return result.content.map((part) => part.text).join("");
  }

  /** Has the SDK refresh its tokens, as it does when they expire. */
  async refresh() {
    const before = this.#tokens;
    assert.equal(await this.sdk.library.auth(this.#provider(), { serverUrl: this.serverUrl }), "AUTHORIZED");
    assert.notEqual(this.#tokens.refresh_token, before.refresh_token, "the refresh token was rotated");
  }

  get tokens() {
    return this.#tokens;
  }

  get clientId() {
    return this.#registration?.client_id;
  }

  get UnauthorizedError() {
    return this.sdk.library.UnauthorizedError;
  }

  async #withAuthorization(authorize, action) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof this.UnauthorizedError) || authorize === undefined) throw error;
    }
    const [returned] = await Promise.all([this.callback.arrival(), authorize(this.asked.href)]);
    this.product.canaries.note("authorization code", returned.get("code"));
    assert.equal(returned.get("state"), this.#state, "state comes back unchanged"); // A16
    assert.equal(returned.get("error"), null);
    await this.sdk.finish(this.#connection.transport, returned);
    return action();
  }

  #provider() {
    const { canaries } = this.product;
    return {
      redirectUrl: this.callback.url,
      clientMetadata: {
        client_name: this.name, redirect_uris: [this.callback.url], grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"], token_endpoint_auth_method: "none",
      },
      state: () => (this.#state = randomBytes(16).toString("base64url")),
      clientInformation: () => this.#registration,
      saveClientInformation: (registration) => (this.#registration = registration),
      tokens: () => this.#tokens,
      saveTokens: (tokens) => {
        canaries.noteTokens(tokens);
        const { refresh_token: refreshToken, ...rest } = tokens;
        this.#tokens = this.keepsRefreshToken ? tokens : rest;
      },
      redirectToAuthorization: (url) => (this.asked = url),
      saveCodeVerifier: (verifier) => (this.#verifier = canaries.note("PKCE verifier", verifier)),
      codeVerifier: () => this.#verifier,
      saveDiscoveryState: (discovery) => (this.#discovery = discovery),
      discoveryState: () => this.#discovery,
      invalidateCredentials: (scope) => this.#forget(scope),
    };
  }

  /** What hosts do when the SDK says that credentials are worth nothing any more (A23). */
  #forget(scope) {
    if (scope === "all" || scope === "client") this.#registration = undefined;
    if (scope === "all" || scope === "tokens") this.#tokens = undefined;
    if (scope === "all" || scope === "discovery") this.#discovery = undefined;
  }
}
