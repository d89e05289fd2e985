// What must appear in no log and in no file of the database: every credential that a run meets is noted here and looked for at the end.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Credentials of one run, with a word for what they are. */
export class Canaries {
  #seen = new Map();

  /** Notes a credential and returns it. */
  note(kind, value) {
    if (typeof value === "string" && value !== "") this.#seen.set(value, kind);
    return value;
  }

  /** Notes the credentials of a token response and returns it. */
  noteTokens(response) {
    this.note("access token", response?.access_token);
    this.note("refresh token", response?.refresh_token);
    return response;
  }

  /** The kinds noted so far, each once. */
  get kinds() {
    return [...new Set(this.#seen.values())].sort();
  }

  /** The kinds of credential that a text contains. Never the values: a failing test must not print them. */
  foundIn(text) {
    const found = new Set();
    for (const [value, kind] of this.#seen) {
      if (isShort(value) ? standsAlone(text, value) : text.includes(value)) found.add(kind);
    }
    return [...found];
  }

  /** The files below a folder that contain a credential, with its kinds. Six digits prove nothing in a binary file and are left out. */
  async foundBelow(folder, except = []) {
    const long = [...this.#seen].filter(([value]) => !isShort(value));
    const found = [];
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || except.includes(entry.name)) continue;
      const path = join(entry.parentPath ?? entry.path, entry.name);
      const content = await readFile(path);
      const kinds = long.filter(([value]) => content.includes(value)).map(([, kind]) => kind);
      if (kinds.length > 0) found.push(`${path}: ${[...new Set(kinds)].join(", ")}`);
    }
    return found;
  }
}

const isShort = (value) => value.length < 10;

const standsAlone = (text, digits) => new RegExp(`(?<![0-9.])${digits}(?![0-9])`).test(text);
