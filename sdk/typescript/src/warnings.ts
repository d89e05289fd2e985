/** What the guard tells the developer: each thing once, trouble with the issuer at most once a minute. */
import type { IssuerUnavailable } from "./issuer_http.js";

const MINUTE_MS = 60_000;

/** Limits what reaches the developer's log. */
export class Warnings {
  private readonly said = new Set<string>();
  private quietUntil = 0;

  constructor(
    private readonly warn: (message: string) => void,
    private readonly now: () => number,
  ) {}

  /** Says a message unless it was said before. */
  once(message: string): void {
    if (this.said.has(message)) return;
    this.said.add(message);
    this.warn(message);
  }

  /** Says why access cannot be checked. */
  trouble(error: IssuerUnavailable): void {
    if (this.now() < this.quietUntil) return;
    this.quietUntil = this.now() + MINUTE_MS;
    this.warn(
      error.status === 401
        ? "mcpauth: the issuer refused the registration secret; requests get 503 until MCPAUTH_SECRET holds a valid one (the project's page makes a new one)."
        : `mcpauth: access cannot be checked, requests get 503: ${error.message}.`,
    );
  }
}
