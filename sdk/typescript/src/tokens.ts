/** Decides whether an access token is good for this MCP server, by asking the issuer (RFC 7662). Tokens are never logged or stored, only their SHA-256. */
import { createHash } from "node:crypto";
import { BoundedCache } from "./cache.js";
import type { Configuration } from "./configuration.js";
import { fetchObject, IssuerUnavailable, type IssuerHttp } from "./issuer_http.js";
import type { Settings } from "./options.js";
import { withImplied } from "./scopes.js";
import type { AuthExtra, AuthInfo } from "./types.js";

/** Good, with who is calling; or bad, with a reason in printable ASCII without quotes. */
export type Verdict = { good: true; auth: AuthInfo } | { good: false; reason: string };

type Introspection = Record<string, unknown>;

const MOST_GOOD_TOKENS = 10_000;
const MOST_BAD_TOKENS = 1_000;

/** Checks tokens, remembering answers for `cacheSeconds` at most. */
export class TokenChecker {
  private readonly good: BoundedCache<Introspection>;
  private readonly bad: BoundedCache<Introspection>;
  private readonly pending = new Map<string, Promise<Introspection>>();

  constructor(
    private readonly settings: Settings,
    private readonly http: IssuerHttp,
    private readonly now: () => number,
  ) {
    this.good = new BoundedCache(MOST_GOOD_TOKENS, now);
    this.bad = new BoundedCache(MOST_BAD_TOKENS, now);
  }

  /** Judges a token; throws {@link IssuerUnavailable} when the issuer cannot be asked. */
  async check(token: string, configuration: Configuration): Promise<Verdict> {
    const answer = this.settings.cacheSeconds === 0 ? await this.ask(token, configuration) : await this.remembered(token, configuration);
    return this.judge(token, answer, configuration);
  }

  private remembered(token: string, configuration: Configuration): Promise<Introspection> {
    const key = createHash("sha256").update(token).digest("base64");
    const known = this.good.get(key) ?? this.bad.get(key);
    if (known) return Promise.resolve(known);
    let pending = this.pending.get(key);
    if (!pending) {
      const asked = this.now();
      pending = this.ask(token, configuration)
        .then((answer) => {
          this.remember(key, answer, asked);
          return answer;
        })
        .finally(() => this.pending.delete(key));
      this.pending.set(key, pending);
    }
    return pending;
  }

  /** The time counts from when the question was asked: the answer is as old as that. */
  private remember(key: string, answer: Introspection, asked: number): void {
    const until = asked + this.settings.cacheSeconds * 1000;
    if (answer["active"] !== true) this.bad.set(key, answer, until);
    else if (typeof answer["exp"] === "number") this.good.set(key, answer, Math.min(until, answer["exp"] * 1000));
  }

  private async ask(token: string, configuration: Configuration): Promise<Introspection> {
    const answer = await fetchObject(this.http, configuration.introspectionEndpoint, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${this.settings.secret}`,
        "Content-Type": "application/x-www-form-urlencoded",
        Accept: "application/json",
      },
      body: new URLSearchParams({ token }).toString(),
    });
    if (typeof answer["active"] !== "boolean") throw new IssuerUnavailable("the issuer's answer about a token is incomplete");
    return answer;
  }

  private judge(token: string, answer: Introspection, configuration: Configuration): Verdict {
    if (answer["active"] !== true) return refuse("The access token is expired, revoked or unknown");
    const { exp, iss, aud, scope, client_id: clientId, token_type: type } = answer;
    if (typeof exp !== "number" || !Number.isFinite(exp) || typeof clientId !== "string") throw new IssuerUnavailable("the issuer's answer about a token is incomplete");
    if (exp * 1000 <= this.now()) return refuse("The access token has expired");
    if (typeof iss !== "string" || !configuration.issuers.includes(iss)) return refuse("The access token comes from another issuer");
    if (!(Array.isArray(aud) ? aud : [aud]).includes(configuration.resource)) return refuse("The access token was issued for another server");
    if (type !== undefined && String(type).toLowerCase() !== "bearer") return refuse("The access token is not a bearer token");
    const scopes = typeof scope === "string" ? scope.split(" ").filter(Boolean) : [];
    return {
      good: true,
      auth: {
        token,
        clientId,
        scopes: withImplied(scopes, this.settings.impliedScopes),
        expiresAt: exp,
        resource: new URL(configuration.resource),
        extra: extraOf(answer, iss),
      },
    };
  }
}

function extraOf(answer: Introspection, iss: string): AuthExtra {
  const extra: AuthExtra = { iss };
  for (const member of ["sub", "sid", "username"] as const) {
    const value = answer[member];
    if (typeof value === "string") extra[member] = value;
  }
  return extra;
}

function refuse(reason: string): Verdict {
  return { good: false, reason };
}
