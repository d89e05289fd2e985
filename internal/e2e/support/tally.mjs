// Counts what a person has to do: pages they come to, fields they fill, things they click.
import assert from "node:assert/strict";

export class Tally {
  pages = [];
  fields = [];
  clicks = [];

  constructor(page) {
    this.page = page;
    page.on("framenavigated", (frame) => {
      if (frame === page.mainFrame()) this.pages.push(new URL(frame.url()).pathname.replace(/[0-9a-f-]{36}/g, "…"));
    });
  }

  async click(locator, what) {
    this.clicks.push(what);
    await locator.click();
  }

  async fill(locator, value, what) {
    this.fields.push(what);
    await locator.fill(value);
  }

  /** Requires that nobody needs more clicks than this, and says how many it were. */
  atMost(t, clicks) {
    t.diagnostic(`${this.pages.length} pages, ${this.fields.length} fields (${this.fields.join(", ")}), ${this.clicks.length} clicks (${this.clicks.join(", ")})`);
    assert.ok(this.clicks.length <= clicks, `${this.clicks.length} clicks: ${this.clicks.join(", ")}`);
  }
}
