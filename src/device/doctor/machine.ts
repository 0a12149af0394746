import { statfs } from "node:fs/promises";
import { createConnection } from "node:net";
import type { Address } from "../../carrier/index.ts";
import { hasAesInstructions, providing } from "../../provider/index.ts";
import { HomeLock } from "../home/index.ts";
import type { Machine } from "./check.ts";

/** How long somebody may take to answer. */
const REACH_MS = 3000;

/** The machine that this runs on. */
export const THIS_MACHINE: Machine = {
	now: Date.now,
	node: process.versions.node,
	providing,
	hasAes: () => hasAesInstructions(),
	async freeBytes(folder) {
		const { bavail, bsize } = await statfs(folder, { bigint: true });
		return bavail * bsize;
	},
	isReached,
	holder: HomeLock.holder,
	holders: HomeLock.holders,
};

function isReached(address: Address): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = createConnection(
		address.kind === "unix"
			? { path: address.path }
			: { host: address.host, port: address.port },
	);
	const done = (answered: boolean) => {
		socket.destroy();
		resolve(answered);
	};
	socket.setTimeout(REACH_MS, () => done(false));
	socket.once("connect", () => done(true));
	socket.once("error", () => done(false));
	return promise;
}
