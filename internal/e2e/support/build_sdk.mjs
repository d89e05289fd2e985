// Builds the SDK for TypeScript, which the guarded servers of this suite use as its users do: as an installed package.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const cwd = fileURLToPath(new URL("../../../sdk/typescript", import.meta.url));
for (const args of [["ci"], ["run", "build"]]) {
  execFileSync("npm", [...args, "--silent"], { cwd, stdio: "inherit" });
}
