/**
 * Refuses messages that two parsers can read in two ways. Parsers differ in which of two members of one name counts and in
 * whether case matters, and `JSON.parse` does not say that there was another, so the text itself is looked through.
 */
import type { JsonRpcMessage } from "./types.js";

/** The names that occur more than once in one message, and in its params. */
export interface Repeated {
  message: readonly string[];
  params: readonly string[];
}

/** Which members decide what a message asks for: those that name a tool, or any, when a function of the developer judges. */
export type Deciding = "tool" | "any";

/** With the flags i and u, as other languages do it: the long s and the Kelvin sign are letters of these names, too. */
const SPELLINGS = { method: /^method$/iu, params: /^params$/iu, name: /^name$/iu };
type Name = keyof typeof SPELLINGS;

/** Whether a message can be read in one way only; `repeated` is missing where somebody parsed it before. */
export function isUnambiguous(message: JsonRpcMessage, repeated: Repeated | undefined, deciding: Deciding): boolean {
  if (!readsAlike(message, repeated?.message, ["method", "params"], deciding)) return false;
  const { method, params } = message;
  if (typeof params !== "object" || params === null || Array.isArray(params)) return true;
  return (deciding === "tool" && method !== "tools/call") || readsAlike(params, repeated?.params, ["name"], deciding);
}

function readsAlike(object: object, repeated: readonly string[] = [], names: readonly Name[], deciding: Deciding): boolean {
  if (deciding === "any" && repeated.length > 0) return false;
  return names.every((name) => {
    const otherSpelling = Object.keys(object).some((key) => key !== name && SPELLINGS[name].test(key));
    return !otherSpelling && !repeated.includes(name);
  });
}

/** Finds what is repeated in each message of a request; `json` must have passed `JSON.parse`. */
export function findRepeated(json: string): Repeated[] {
  const scan = new Scanner(json);
  const found: Repeated[] = [];
  const message = (): void => {
    found.push(scan.opens("{") ? readMessage(scan) : { message: [], params: [] });
    scan.skipValue();
  };
  if (scan.opens("[")) scan.elements(message);
  else message();
  return found;
}

function readMessage(scan: Scanner): Repeated {
  let params: string[] = [];
  const message = scan.members((name) => {
    if (name === "params" && scan.opens("{")) params = scan.members(() => scan.skipValue());
    else scan.skipValue();
  });
  return { message, params };
}

/** Walks through a JSON text that is known to be valid. It never recurses: a text may be nested as deeply as it is long. */
class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  /** Whether the next value starts with this character. */
  opens(character: "{" | "["): boolean {
    this.skipSpace();
    return this.text[this.at] === character;
  }

  /** Reads an object and returns the names that were there before; `value` reads each value. */
  members(value: (name: string) => void): string[] {
    const names = new Set<string>();
    const repeated: string[] = [];
    this.list("}", () => {
      const name = this.string();
      if (names.has(name)) repeated.push(name);
      names.add(name);
      this.skipSpace();
      this.at += 1; // the colon
      value(name);
    });
    return repeated;
  }

  /** Reads an array; `value` reads each element. */
  elements(value: () => void): void {
    this.list("]", value);
  }

  /** Goes on behind the next value; where none follows, it stays. */
  skipValue(): void {
    this.skipSpace();
    let depth = 0;
    for (; this.at < this.text.length; this.at += 1) {
      const character = this.text[this.at];
      if (character === '"') this.at = this.endOfString();
      else if (character === "{" || character === "[") depth += 1;
      else if (depth === 0 && (character === "," || character === "}" || character === "]")) return;
      else if (character === "}" || character === "]") depth -= 1;
    }
  }

  private list(close: string, item: () => void): void {
    this.at += 1;
    this.skipSpace();
    while (this.at < this.text.length && this.text[this.at] !== close) {
      item();
      this.skipSpace();
      if (this.text[this.at] === ",") this.at += 1;
      this.skipSpace();
    }
    this.at += 1;
  }

  private string(): string {
    const start = this.at;
    this.at = this.endOfString() + 1;
    return JSON.parse(this.text.slice(start, this.at)) as string;
  }

  /** Returns where the string that starts here ends. */
  private endOfString(): number {
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === "\\" ? 2 : 1;
    return end;
  }

  private skipSpace(): void {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }
}
