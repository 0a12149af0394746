/* A module that an agent runs in its own process, and that has died there. */
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect, parseAddress } from "../../../src/carrier/index.ts";
import { Purse } from "../../../src/device/purse/index.ts";
import { ModuleStarter } from "../../../src/device/service/module-starter.ts";
import { TetradError } from "../../../src/errors.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { makeWorld } from "../../support/sandbox.ts";

const { openHome } = Purse;
const died = Promise.withResolvers<TetradError>();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let world: string;

before(async () => {
	folder = await temporaryFolder();
	world = join(folder.path, "world");
	await makeWorld(world);
	// The first purse that is opened fails when it is told to.
	Purse.openHome = async (...how) => {
		Purse.openHome = openHome;
		const purse = await openHome.apply(Purse, how);
		return Object.defineProperty(purse, "failed", { value: died.promise });
	};
});
after(async () => {
	Purse.openHome = openHome;
	await folder[Symbol.asyncDispose]();
});

test("a module that died in its agent's process is started anew by who needs it next", async () => {
	const { signal } = new AbortController();
	const at = parseAddress(`unix:${join(folder.path, "module")}`);
	await using starter = new ModuleStarter(undefined, {
		...{ at, home: join(world, "buyer", "module") },
		...{ runs: "inside-agent", secrets: {} },
	});
	await (await starter.dial(signal)).close();
	died.resolve(new TetradError("store-failed", "the disk is gone"));
	const isThere = async () => {
		try {
			await (await connect(at, { signal })).close();
			return true;
		} catch {
			return false;
		}
	};
	while (await isThere());
	for (let count = 0; count < 2; count++)
		await (await starter.dial(signal)).close();
});
