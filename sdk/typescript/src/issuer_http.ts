/** Requests to the issuer: bounded in time and size, redirects never followed, every failure one kind of error. */

/** The issuer cannot be asked right now. It is our trouble, so the caller is told to come back, never that its token is bad. */
export class IssuerUnavailable extends Error {
  override readonly name = "IssuerUnavailable";

  /** `status` is the issuer's answer, if there was one; `retryAfter` is in seconds. */
  constructor(
    message: string,
    readonly retryAfter: number = 1,
    readonly status?: number,
  ) {
    super(message);
  }
}

/** How requests are made; `timeout` is in milliseconds. */
export interface IssuerHttp {
  fetch: typeof globalThis.fetch;
  timeout: number;
}

/**
 * The version of the protocol between guard and project that this package speaks, and the header that names it in requests and answers. A
 * project from before there were versions names none and speaks the first.
 */
export const PROTOCOL = "1";
export const VERSION_HEADER = "Mcpauth-Guard-Version";

/** Whether an answer is of the version that was asked for; one of another version must not be read as this one. */
export function isSpoken(version: string | null | undefined): boolean {
  return version === null || version === undefined || version === PROTOCOL;
}

const LARGEST_ANSWER = 256 * 1024;

/** Fetches a JSON object; throws {@link IssuerUnavailable} for anything but a 200 with one. */
export async function fetchObject(http: IssuerHttp, url: string, init: RequestInit): Promise<Record<string, unknown>> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      abort.abort();
      reject(new IssuerUnavailable(`${place(url)} did not answer within ${http.timeout} ms`));
    }, http.timeout);
  });
  try {
    return await Promise.race([exchange(http, url, { ...init, signal: abort.signal, redirect: "manual" }), expired]);
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(http: IssuerHttp, url: string, init: RequestInit): Promise<Record<string, unknown>> {
  let response: Response;
  try {
    response = await http.fetch(url, init);
  } catch (error) {
    throw new IssuerUnavailable(`${place(url)} could not be reached${causeCode(error)}`);
  }
  if (response.status !== 200) {
    response.body?.cancel?.().catch(() => undefined);
    throw new IssuerUnavailable(`${place(url)} answered ${response.status}`, retryAfterOf(response), response.status);
  }
  let value: unknown;
  try {
    value = JSON.parse(await boundedText(response));
  } catch {
    throw new IssuerUnavailable(`${place(url)} did not answer with JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new IssuerUnavailable(`${place(url)} did not answer with a JSON object`);
  return value as Record<string, unknown>;
}

async function boundedText(response: Response): Promise<string> {
  if (!response.body) return response.text();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > LARGEST_ANSWER) throw new Error("too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Seconds from a Retry-After header, 1 to 60; a date counts as 1. */
function retryAfterOf(response: Response): number {
  const seconds = Number(response.headers.get("retry-after") ?? "1");
  return Number.isFinite(seconds) ? Math.min(60, Math.max(1, Math.ceil(seconds))) : 1;
}

/** An address fit for a log: no query, no user name. */
function place(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function causeCode(error: unknown): string {
  const code = ((error as { cause?: { code?: unknown } } | null)?.cause ?? (error as { code?: unknown } | null))?.code;
  return typeof code === "string" ? ` (${code})` : "";
}
