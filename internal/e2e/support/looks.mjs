// What a page looks like and whether everybody can use it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { pictures, problemsIn } from "./axe.mjs";
import { results } from "./places.mjs";

/** Every look that pages are checked in: both colour schemes, on a desktop and on a phone. */
const LOOKS = ["light", "dark"].flatMap((colorScheme) => [{ width: 1280, height: 900 }, { width: 390, height: 844 }].map((viewport) => ({ colorScheme, viewport })));

/** Collects what is wrong with the pages of one walk through the product. */
export class Inspection {
  #problems = [];
  #seen = [];

  constructor(page) {
    this.page = page;
  }

  /**
   * Notes what axe finds serious or critical in every look of the page and whether it has to be scrolled sideways; `make full` takes a
   * picture of each, too.
   */
  async see(name) {
    this.#seen.push(name);
    const picture = (look) => this.page.screenshot({ path: join(results("pages", look), `${name}.png`), fullPage: true });
    this.#problems.push(...(await problemsIn(this.page, LOOKS, pictures ? picture : undefined)).map((text) => `${name} ${text}`));
  }

  /** Adds what another inspection saw. */
  include(other) {
    this.#seen.push(...other.#seen);
    this.#problems.push(...other.#problems);
  }

  /** Requires that exactly these pages were looked at and nothing was wrong. */
  finish(pages) {
    assert.deepEqual([...this.#seen].sort(), [...pages].sort());
    assert.deepEqual(this.#problems, []);
  }
}
