// Writes a hash of everything that decides what static/app.css contains into its first line, so that a test without Node can tell
// when it is stale. The same bytes are hashed by static_stale_test.go.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const inputs = [
  "package-lock.json",
  "styles/app.css",
  ...readdirSync(".").filter((name) => name.endsWith(".templ") && !name.startsWith("flow_") && !name.startsWith("mail_")),
  ...readdirSync("ui").filter((name) => name.endsWith(".templ") || name === "ui.go").map((name) => `ui/${name}`),
].sort();

const hash = createHash("sha256");
for (const path of inputs) {
  const content = readFileSync(path);
  hash.update(`${path} ${content.length}\n`).update(content);
}
const css = readFileSync("static/app.css", "utf8");
writeFileSync("static/app.css", `/* inputs sha256:${hash.digest("hex")} */\n${css.trimEnd()}\n`);
