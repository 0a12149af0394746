import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The package of what others wrote. */
export const STOCK: string = fileURLToPath(
	new URL("../stock/", import.meta.url),
);

/** Installs it where it is not there: nothing but some benches and tests needs it. */
export function installStock(): void {
	if (!existsSync(`${STOCK}node_modules`))
		execFileSync("npm", ["ci", "--prefix", STOCK], { stdio: "ignore" });
}
