import type { Channel } from "../src/device/runtime/channel.ts";
import { Four } from "./four.ts";
import {
	type BenchOptions,
	type BenchResult,
	collectAll,
	median,
	round,
} from "./measure.ts";

const MESSAGE_BYTES = 256;

/** Sent before any is awaited. */
const AT_ONCE = 100;

/**
 * What is done before it counts, and then: a heap is compared with itself when so many fewer were
 * done. A module remembers the conversations that it has signed for, 2¹⁵ to 2¹⁶ of them, and drops
 * the older half with each 2¹⁵th (src/tetrad/signed-hashes.ts): only heaps that are that far apart
 * hold as much of it.
 */
interface Run {
	readonly first: number;
	readonly counted: number;
	readonly apart: number;
	/** Between two looks. */
	readonly every: number;
}

const MESSAGES: Run = {
	...{ first: 200_000, counted: 800_000 },
	...{ apart: 400_000, every: 25_000 },
};
const ESTABLISHMENTS: Run = {
	...{ first: 2 ** 16, counted: 3 * 2 ** 15 },
	...{ apart: 2 ** 15, every: 2 ** 12 },
};

/** A heap that would have grown by less than this over all of it is flat, in bytes. */
const FLAT_BYTES: number = 2 ** 20;

/** What JavaScript held after a collection, when so many were done. */
interface Look {
	readonly done: number;
	readonly bytes: number;
}

/** What is left in the heap of messages and of establishments that are over. */
export async function benchHeap({ tell }: BenchOptions): Promise<BenchResult> {
	const four = await Four.make("P-256", { over: "memory" });
	const ends = await four.establish();
	const messages = await grownBy(MESSAGES, tell, (count) =>
		exchange(ends.x.module, ends.y.module, count),
	);
	await four.end(ends);
	const establishments = await grownBy(ESTABLISHMENTS, tell, async (count) => {
		for (let i = 0; i < count; i++) await four.end(await four.establish());
	});
	await four.close();
	const line = (what: string, of: typeof messages) =>
		`  ${of.done} ${what}: ${of.bytes_each} bytes each, ${of.grown_kb} KB in all on ${of.heap_mb} MB: ${of.is_flat ? "flat" : "NOT flat"}`;
	return {
		report: { messages, establishments },
		lines: [
			"How the heap of four devices in one process grows, agents and links joined in memory, by its sizes after collections:",
			line("messages of 256 bytes from module to module", messages),
			line("establishments, each closed again", establishments),
		],
	};
}

/** There and back, half of them each way. */
async function exchange(
	left: Channel,
	right: Channel,
	count: number,
): Promise<void> {
	const message = new Uint8Array(MESSAGE_BYTES);
	let [from, to] = [left, right];
	for (let i = 0; i < count; i += AT_ONCE) {
		for (let sent = 0; sent < AT_ONCE; sent++) await from.send(message);
		for (let read = 0; read < AT_ONCE; read++) await to.receive();
		[from, to] = [to, from];
	}
}

async function grownBy(
	{ first, counted, apart, every }: Run,
	tell: BenchOptions["tell"],
	work: (count: number) => Promise<void>,
) {
	const all = first + counted;
	const looks: Look[] = [];
	for (let done = every; done <= all; done += every) {
		await work(every);
		await collectAll();
		const { heapUsed, external } = process.memoryUsage();
		looks.push({ done, bytes: heapUsed + external });
		tell(`${done} done: ${round((heapUsed + external) / 1024, 0)} KB`);
	}
	const counting = looks.filter(({ done }) => done >= first);
	const grown = counting.flatMap(({ done, bytes }) => {
		const before = counting.find((look) => look.done === done - apart);
		return before === undefined ? [] : [(bytes - before.bytes) / apart];
	});
	const each = median(grown);
	return {
		done: all,
		bytes_each: round(each),
		grown_kb: round((each * all) / 1024, 1),
		heap_mb: round(median(counting.map(({ bytes }) => bytes)) / 2 ** 20, 1),
		is_flat: each * all < FLAT_BYTES,
	};
}
