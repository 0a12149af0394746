/*
 * Builds the site of the documents, into site/dist: `npm run site`. What it needs is a package of
 * its own, which is installed when it is not there; a link that leads nowhere ends the build.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SITE = fileURLToPath(new URL("../site", import.meta.url));

const npm = (...args: readonly string[]): void => {
	execFileSync("npm", args, { cwd: SITE, stdio: "inherit" });
};

if (!existsSync(new URL("../site/node_modules/vitepress", import.meta.url)))
	npm("ci", "--no-fund", "--no-audit");
npm("run", "build");
