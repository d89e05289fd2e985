// What a page looks like and whether everybody can use it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { results } from "./places.mjs";

/** Every look that pages are checked in. */
export const LOOKS = ["light", "dark"].flatMap((colorScheme) => [1280, 390].map((width) => ({
  name: `${colorScheme}-${width}`, colorScheme, viewport: { width, height: width > 600 ? 900 : 844 },
})));

/** Collects what is wrong with the pages of one look. */
export class Inspection {
  problems = [];
  seen = [];

  constructor(look) {
    this.look = look;
  }

  /** Takes a picture of the page and notes what axe finds serious or critical, and whether it has to be scrolled sideways. */
  async inspect(page, name) {
    this.seen.push(name);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(results("pages", this.look.name), `${name}.png`), fullPage: true });
    const { violations } = await new AxeBuilder({ page }).analyze();
    for (const { id, impact, nodes } of violations) {
      if (impact !== "serious" && impact !== "critical") continue;
      for (const node of nodes) this.problems.push(`${name}: ${impact} ${id}: ${node.target.join(" ")} (${node.any[0]?.message ?? node.html})`);
    }
    const { scrollWidth, clientWidth } = await page.evaluate(() => ({
      scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth,
    }));
    if (scrollWidth > clientWidth) this.problems.push(`${name}: ${scrollWidth} px wide in a window of ${clientWidth}`);
  }

  /** Requires that exactly these pages were looked at and nothing was wrong. */
  finish(pages) {
    assert.deepEqual([...this.seen].sort(), [...pages].sort());
    assert.deepEqual(this.problems, []);
  }
}
