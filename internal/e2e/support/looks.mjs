// What a page looks like and whether everybody can use it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
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
   * Takes a picture of the page in every look, and notes what axe finds serious or critical there and whether it has to be scrolled
   * sideways.
   */
  async see(name) {
    this.#seen.push(name);
    for (const look of LOOKS) {
      await this.page.emulateMedia({ colorScheme: look.colorScheme });
      await this.page.setViewportSize(look.viewport);
      await this.#inspect(name, `${look.colorScheme}-${look.viewport.width}`);
    }
  }

  async #inspect(name, look) {
    const { page } = this;
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(results("pages", look), `${name}.png`), fullPage: true });
    const { violations } = await new AxeBuilder({ page }).analyze();
    for (const { id, impact, nodes } of violations) {
      if (impact !== "serious" && impact !== "critical") continue;
      for (const node of nodes) this.#problems.push(`${name} ${look}: ${impact} ${id}: ${node.target.join(" ")}: ${node.failureSummary}`);
    }
    const { needed, width } = await page.evaluate(() => ({ needed: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
    if (needed > width) this.#problems.push(`${name} ${look}: needs ${needed} px and has ${width}`);
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
