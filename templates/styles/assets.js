// Copies htmx, the fonts and their licences from their npm packages to static/, and the lucide icons in use to ui/icons.templ.
// Run it after a change of the lists below: npm run assets, then go tool templ generate.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";

const fonts = [
  ["@fontsource-variable/inter", "inter-latin-wght-normal.woff2", "inter"],
  ["@fontsource-variable/jetbrains-mono", "jetbrains-mono-latin-wght-normal.woff2", "jetbrains-mono"],
];
for (const [pkg, file, name] of fonts) {
  copyFileSync(`node_modules/${pkg}/files/${file}`, `static/${name}.woff2`);
  copyFileSync(`node_modules/${pkg}/LICENSE`, `static/${name}.LICENSE.txt`);
}
copyFileSync("node_modules/lucide-static/LICENSE", "ui/icons.LICENSE.txt");
copyFileSync("node_modules/htmx.org/dist/htmx.esm.min.js", "static/htmx.js");
copyFileSync("node_modules/htmx.org/LICENSE", "static/htmx.LICENSE.txt");

const icons = [
  "activity", "app-window", "arrow-left", "arrow-right", "ban", "book-open", "building-2", "chart-column", "check", "chevron-down",
  "chevron-left", "chevron-right", "chevrons-up-down", "circle", "circle-alert", "circle-check", "circle-dashed", "circle-x", "clock",
  "copy", "credit-card", "download", "external-link", "eye", "file-text", "fingerprint-pattern", "folder", "globe", "history", "image",
  "info", "key-round", "layout-dashboard", "link", "list-checks", "lock", "log-in", "log-out", "mail", "menu", "monitor", "moon",
  "palette", "pencil", "plug", "plus", "refresh-cw", "rocket", "scroll-text", "search", "server", "settings", "share-2", "shield-check",
  "smartphone", "stethoscope", "sun", "tag", "terminal", "trash-2", "triangle-alert", "user", "user-plus", "users", "x",
];
const body = (name) =>
  readFileSync(`node_modules/lucide-static/icons/${name}.svg`, "utf8")
    .replace(/^[\s\S]*?<svg[\s\S]*?>/, "")
    .replace("</svg>", "")
    .trim()
    .split("\n")
    .map((line) => `\t\t\t\t${line.trim()}`)
    .join("\n");
const cases = icons.map((name) => `\t\t\tcase "${name}":\n${body(name)}`).join("\n");
writeFileSync(
  "ui/icons.templ",
  `package ui

// Icon draws a lucide icon by its name, 16 px wide at the text's colour; an unknown name draws a circle.
// It is hidden from assistive technology: there is always a word beside it or a label on its control.
// The drawings are copied from lucide (ISC, see icons.LICENSE.txt) by npm run assets.
templ Icon(name string) {
	<svg class="icon" viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
		switch name {
${cases}
			default:
				<circle cx="12" cy="12" r="9"></circle>
		}
	</svg>
}
`,
);
