/* What the machine is asked for. */
import { libraryOf } from "../../provider/index.ts";
import { type Check, fine, note, wrong } from "./check.ts";

/** The oldest Node that the program starts on. */
const OLDEST_NODE = [24, 21] as const;

/** With less than this on its disk a device may not get through the day. */
const SCARCE_BYTES = 100_000_000n;

/** With less than this its owner should know. */
const LITTLE_BYTES = 1_000_000_000n;

export const NODE: Check = {
	name: "Node",
	async look({ machine: { node } }) {
		const [major = 0, minor = 0] = node.split(".").map(Number);
		const [least, leastMinor] = OLDEST_NODE;
		return major > least || (major === least && minor >= leastMinor)
			? [fine(`is ${node}`)]
			: [
					wrong(
						`is ${node}, and ${OLDEST_NODE.join(".")} is the oldest that will do`,
						"install a newer Node",
					),
				];
	},
};

export const CRYPTO: Check = {
	name: "crypto",
	async look({ machine }) {
		const providing = machine.providing();
		const text = `is ${libraryOf(providing)}`;
		return providing.kind === "node" && providing.why === "not-loaded"
			? [
					note(
						`${text}, since sodium-native does not load`,
						"install sodium-native beside tetrad: short messages cost less with it",
					),
				]
			: [fine(text)];
	},
};

export const DISK: Check = {
	name: "disk",
	async look({ side, devices, machine }) {
		const folders = new Set([
			...devices.map(({ home }) => home),
			...(side === undefined ? [] : [side.path]),
		]);
		const free = await Promise.all(
			[...folders].map(async (folder) => ({
				folder,
				bytes: await machine.freeBytes(folder),
			})),
		);
		const least = free.reduce((a, b) => (b.bytes < a.bytes ? b : a));
		const text = `${least.bytes / 1_000_000n} MB are free for ${least.folder}`;
		if (least.bytes < SCARCE_BYTES)
			return [
				wrong(
					text,
					"make room: a device whose disk is full takes and makes no payment",
				),
			];
		return [least.bytes < LITTLE_BYTES ? note(text, "make room") : fine(text)];
	},
};
