import { join } from "node:path";
import { readSide, type Side } from "../side/index.ts";
import { SANDBOX_SIDES, type SandboxSide } from "./make-sandbox.ts";

/** The sides of a sandbox, by name. */
export type World = Readonly<Record<SandboxSide, Side>>;

/** Reads the settings of a sandbox, and nothing of the environment: what holds for it stands in it. */
export async function readWorld(folder: string): Promise<World> {
	const sides = SANDBOX_SIDES.map(
		async (name) => [name, await readSide(join(folder, name), {})] as const,
	);
	return Object.fromEntries(await Promise.all(sides)) as World;
}
