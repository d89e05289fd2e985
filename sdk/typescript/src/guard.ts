/** The guard: lets a request through only with a valid access token, and says to clients where to get one. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { CallReports } from "./calls.js";
import { allowBrowsers, allowOrigin, challenge, sendError, sendPreflight, UNAUTHORIZED, withScope } from "./answers.js";
import { isReadable, readMessages, RequestAborted, UnreadableRequest } from "./body.js";
import { fetchConfiguration, fetchIssuerMetadata, Remembered, type Configuration } from "./configuration.js";
import {
  ISSUER_METADATA, nestedMetadataUrl, pathOf, RESOURCE_METADATA, resourceMetadata, sendDocument, sendUnavailable,
  standardMetadataUrl, trimSlash,
} from "./documents.js";
import { readCredentials } from "./credentials.js";
import { IssuerUnavailable, type IssuerHttp } from "./issuer_http.js";
import { mountable, type Mounted } from "./mount.js";
import type { Settings } from "./options.js";
import { calledTools, markRequest, scopesForMessages, union } from "./scopes.js";
import type { BearerSdk } from "./sdk.js";
import { TokenChecker, type Verdict } from "./tokens.js";
import type { ClosableMiddleware, GuardedRequest, Next } from "./types.js";
import { Warnings } from "./warnings.js";

/** What a guard takes from its surroundings; tests replace it. `timeout` is in milliseconds, `now` in milliseconds since the epoch. */
export interface Surroundings {
  sdk: BearerSdk;
  now: () => number;
  timeout: number;
}

/** What is known about one request before its token is looked at. */
interface Context {
  req: GuardedRequest;
  res: ServerResponse;
  next: Next;
  configuration: Configuration;
  metadataUrl: string;
  baseScopes: readonly string[];
}

/** One guard. It holds the configuration and the token cache of one MCP server. */
export class Guard {
  private readonly mounted: Mounted;
  private readonly http: IssuerHttp;
  private readonly configuration: Remembered<Configuration>;
  private readonly issuerMetadata: Remembered<Record<string, unknown>>;
  private readonly tokens: TokenChecker;
  private readonly calls: CallReports;
  private readonly warnings: Warnings;

  constructor(
    private readonly settings: Settings,
    private readonly around: Surroundings,
  ) {
    const { now, timeout } = around;
    this.http = { fetch: settings.fetch, timeout };
    this.warnings = new Warnings(settings.warn, now);
    const failed = (error: IssuerUnavailable): void => this.warnings.trouble(error);
    this.configuration = new Remembered(() => fetchConfiguration(settings, this.http), now, failed);
    this.issuerMetadata = new Remembered(async () => fetchIssuerMetadata(await this.configuration.get(), this.http), now, failed);
    this.tokens = new TokenChecker(settings, this.http, now);
    this.calls = new CallReports(this.http, settings.secret, () => this.configuration.get(), now);
    this.mounted = mountable({
      guard: (req, res, next, told) => void this.answer(req, res, next, told).catch(next),
      wellKnown: (req, res, next) => void this.answerWellKnown(req, res, next).catch(next),
    });
  }

  /** The function to pass to `app.use`. */
  get handler(): ClosableMiddleware {
    return Object.assign(this.mounted.handler, { close: () => this.close() });
  }

  /** Ends what runs in the background and tells the project of the last calls. */
  private close(): Promise<void> {
    this.tokens.close();
    return this.calls.flush();
  }

  private async answer(req: GuardedRequest, res: ServerResponse, next: Next, told: boolean): Promise<void> {
    if (!told) this.mounted.reach(req.app);
    const document = this.documentAt(pathOf(req.url), (suffix) => suffix === "", true);
    if (document) return sendDocument(req, res, document);
    if (!allowOrigin(req, res, this.settings.allowedOrigins)) return;
    if (req.method === "OPTIONS") return sendPreflight(req, res, "GET, POST, DELETE, OPTIONS");
    try {
      const configuration = await this.configuration.get();
      await this.check({
        req, res, next, configuration,
        metadataUrl: this.metadataUrlFor(req, configuration, told),
        baseScopes: this.settings.requiredScopes.length > 0 ? this.settings.requiredScopes : configuration.defaultScopes,
      });
    } catch (error) {
      if (error instanceof RequestAborted) return;
      sendUnavailable(req, res, error);
    }
  }

  private async check(context: Context): Promise<void> {
    const { req, res, configuration, metadataUrl, baseScopes } = context;
    const credentials = readCredentials(req);
    if (credentials.kind === "none") {
      // RFC 6750 section 3.1: no error code when no credentials were presented.
      sendError(req, res, 401, "unauthorized", `${UNAUTHORIZED}Send an access token in the Authorization header`, {
        "WWW-Authenticate": challenge({ scopes: baseScopes, metadataUrl }),
      });
      return;
    }
    if (credentials.kind === "malformed") {
      const description = "The Authorization header is malformed";
      sendError(req, res, 400, "invalid_request", description, {
        "WWW-Authenticate": challenge({ error: "invalid_request", description, scopes: baseScopes, metadataUrl }),
      });
      return;
    }
    const verdict: Verdict = credentials.kind === "nonsense" ? { good: false, reason: "This is not an access token" } : await this.judge(credentials.token, configuration);
    let operationScopes: string[] = [];
    let tools: readonly string[] = [];
    const toolScopes = this.settings.toolScopes ?? configuration.toolScopes;
    if (verdict.good && (toolScopes !== undefined || (this.settings.reportCalls && isReadable(req)))) {
      try {
        const messages = await readMessages(req, typeof toolScopes === "function" ? "any" : "tool");
        tools = calledTools(messages);
        if (toolScopes !== undefined) operationScopes = scopesForMessages(toolScopes, messages);
      } catch (error) {
        if (!(error instanceof UnreadableRequest)) throw error;
        if (toolScopes !== undefined) {
          sendError(req, res, error.status, "invalid_request", error.message, error.status === 413 ? { Connection: "close" } : {});
          return;
        }
      }
    }
    this.delegate(context, verdict, operationScopes, tools);
  }

  private async judge(token: string, configuration: Configuration): Promise<Verdict> {
    try {
      return await this.tokens.check(token, configuration);
    } catch (error) {
      if (error instanceof IssuerUnavailable) this.warnings.trouble(error);
      throw error;
    }
  }

  /** Lets the SDK's own middleware answer or pass the request; its challenge gets the scopes this operation needs. */
  private delegate(context: Context, verdict: Verdict, operationScopes: readonly string[], tools: readonly string[]): void {
    const { req, res, next, configuration, metadataUrl, baseScopes } = context;
    const { sdk } = this.around;
    const middleware = sdk.requireBearerAuth({
      verifier: {
        verifyAccessToken: async () => {
          if (!verdict.good) throw sdk.invalidToken(UNAUTHORIZED + verdict.reason);
          return verdict.auth;
        },
      },
      requiredScopes: union(this.settings.requiredScopes, operationScopes),
      resourceMetadataUrl: metadataUrl,
      expectedResource: new URL(configuration.resource),
    });
    let passed = false;
    const sid = verdict.good ? verdict.auth.extra.sid : verdict.sid;
    if (this.settings.reportCalls && sid) {
      res.once("close", () => {
        if (passed) this.calls.add(sid, tools, res.statusCode >= 400 ? "error" : "ok");
        else if (!verdict.good) this.calls.add(sid, tools, "refused", { reason: "invalid_token", ...(verdict.cause && { cause: verdict.cause }) });
        else this.calls.add(sid, tools, "refused", { reason: "insufficient_scope", needed: union(baseScopes, operationScopes).join(" ") });
      });
    }
    const restore = amendChallenge(res, union(baseScopes, operationScopes));
    middleware(req, res, (error) => {
      restore();
      if (error === undefined) {
        passed = true;
        delete req.headers.authorization; // a token for this server must not be passed on to another
        allowBrowsers(res);
        markRequest(req, { baseScopes, metadataUrl });
      }
      next(error);
    });
  }

  private async answerWellKnown(req: IncomingMessage, res: ServerResponse, next: Next): Promise<void> {
    const path = pathOf(req.url);
    const expected = new Set(["", ...this.mounted.paths().map(trimSlash)]);
    let document = this.documentAt(path, (suffix) => expected.has(suffix));
    if (!document && (path.startsWith(RESOURCE_METADATA) || path.startsWith(ISSUER_METADATA))) {
      // The server's public path can differ from the mount path, behind a proxy; only the issuer knows it.
      const configuration = await this.configuration.get().catch(() => undefined);
      if (configuration) document = this.documentAt(path, (suffix) => suffix === trimSlash(new URL(configuration.resource).pathname));
    }
    if (document) return sendDocument(req, res, document);
    next();
  }

  /** Finds the document at a path; `nested` accepts it at any depth below the mount. */
  private documentAt(path: string, accepts: (suffix: string) => boolean, nested = false): (() => Promise<unknown>) | undefined {
    for (const [location, load] of [
      [RESOURCE_METADATA, async () => resourceMetadata(await this.configuration.get())],
      [ISSUER_METADATA, () => this.issuerMetadata.get()],
    ] as const) {
      const at = nested ? path.lastIndexOf(location) : 0;
      if (at >= 0 && path.startsWith(location, at) && accepts(trimSlash(path.slice(at + location.length)))) return load;
    }
    return undefined;
  }

  /** Chooses the metadata address that clients of this request can reach; it is always built from the project's own URL. */
  private metadataUrlFor(req: GuardedRequest, configuration: Configuration, told: boolean): string {
    const path = pathOf(req.originalUrl ?? req.url);
    const expected = trimSlash(new URL(configuration.resource).pathname);
    const atHome = path === expected || path.startsWith(`${expected}/`);
    if (atHome && (told || req.route !== undefined)) return standardMetadataUrl(configuration.resource);
    const nested = nestedMetadataUrl(configuration.resource);
    this.warnings.once(
      atHome
        ? `mcpauth: mcpAuth() is not mounted on the application itself, so it may not reach the well-known paths; clients are pointed to ${nested}. Mount it with app.use(path, mcpAuth(...)).`
        : `mcpauth: a request came in at a path outside ${configuration.resource}, the URL of this MCP server in the dashboard; clients are pointed to ${nested}.`,
    );
    return nested;
  }
}

/** Corrects the challenge while the SDK's middleware writes it; returns what undoes that. */
function amendChallenge(res: ServerResponse, scopes: readonly string[]): () => void {
  const original = res.setHeader;
  res.setHeader = function (this: ServerResponse, name: string, value: number | string | readonly string[]): ServerResponse {
    if (name.toLowerCase() !== "www-authenticate") return original.call(this, name, value);
    allowBrowsers(this);
    original.call(this, "Cache-Control", "no-store");
    return original.call(this, name, withScope(String(value), scopes));
  };
  return () => {
    res.setHeader = original;
  };
}
