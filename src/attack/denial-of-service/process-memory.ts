/* What a process takes of the machine, as the system tells. */
import { readFile } from "node:fs/promises";
import { runningAgent } from "../../device/service/index.ts";
import type { Target } from "../target.ts";

/** What one attack may make a process grow by, in bytes: 64 MiB. */
const MAX_GROWTH_BYTES = 64 * 2 ** 20;

/** The memory of one process while it is attacked. */
export class ProcessMemory {
	readonly #id: number | undefined;
	readonly #before: number | undefined;

	private constructor(id: number | undefined, before: number | undefined) {
		this.#id = id;
		this.#before = before;
	}

	/** Of the merchant's agent, where its side was lent and the system tells. */
	static async ofMerchant(target: Target): Promise<ProcessMemory> {
		const { merchant } = target.sides;
		if (merchant === undefined) return new ProcessMemory(undefined, undefined);
		await using agent = await runningAgent(merchant.path);
		const id = (await agent?.status())?.process;
		return new ProcessMemory(id, await residentBytes(id));
	}

	/** How much it has grown, in words, and whether that is too much. */
	async grown(): Promise<{
		readonly isTooMuch: boolean;
		readonly what: string;
	}> {
		const after = await residentBytes(this.#id);
		if (this.#before === undefined || after === undefined)
			return { isTooMuch: false, what: "its memory cannot be seen here" };
		const growth = after - this.#before;
		const megabytes = Math.max(0, Math.round(growth / 2 ** 20));
		return {
			isTooMuch: growth > MAX_GROWTH_BYTES,
			what: `its memory grew by ${megabytes} MiB`,
		};
	}
}

/** In bytes; nothing where there is no /proc. */
async function residentBytes(
	id: number | undefined,
): Promise<number | undefined> {
	if (id === undefined) return undefined;
	const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "");
	const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
	return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
