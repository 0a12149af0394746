import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { asTetradError } from "../src/errors.ts";
import type { Signer } from "../src/identity/index.ts";
import { createKey, generateSoftwareKey } from "../src/keys/index.ts";
import { roleOf } from "../src/show/stage/impostors.ts";
import { inSoftHsm } from "../src/show/stage/key-room.ts";
import { PLACES, type Place, type Routing } from "../src/tetrad/index.ts";
import { Four } from "./four.ts";
import {
	type BenchOptions,
	type BenchResult,
	median,
	round,
} from "./measure.ts";

/** What the artificial signer takes: a slow TPM or a key across a network. */
const SLOW_MS = 200;

/** Establishments of the fast contestants in one round, so that a round takes each of them a while. */
const BATCH = 10;

const ROUTINGS: readonly Routing[] = ["direct", "crossed"];

/** A signature: from when to when it was under way, by `performance.now`. */
interface Signing {
	readonly place: Place;
	readonly from: number;
	readonly to: number;
}

interface Measured {
	readonly wallMs: number;
	readonly signings: number;
	/** The most signatures of which each was asked for after the one before was given. */
	readonly steps: number;
	/** In which at least one signature was waited for. */
	readonly signingMs: number;
}

/** Wall time of an establishment by what the four devices sign with, and how many signings it waits for. */
export async function benchSigners({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	await using stack = new AsyncDisposableStack();
	const contestants: Contestant[] = [
		await Contestant.make("software", BATCH, () =>
			generateSoftwareKey("P-256"),
		),
		await Contestant.make(`${SLOW_MS} ms`, 1, () => slow(atOnce)),
		await Contestant.make(`${SLOW_MS} ms, one at a time`, 1, () =>
			slow(oneAtATime),
		),
	];
	let withoutTokens: string | undefined;
	try {
		const signerOf = await softHsmSigners(stack);
		contestants.push(await Contestant.make("SoftHSM", BATCH, signerOf));
	} catch (thrown) {
		withoutTokens = asTetradError(thrown).message;
	}
	for (let i = -1; i < rounds; i++) {
		for (const contestant of contestants) await contestant.round(i >= 0);
		if (i >= 0) tell(`round ${i + 1} of ${rounds}`);
	}
	for (const contestant of contestants) await contestant.close();
	const results = contestants.map((contestant) => contestant.result());
	const lines = [
		"Wall time of an establishment until all four have confirmed, hybrid suite, P-256, four devices in one process:",
		...results.flatMap(({ signer, routings }) =>
			ROUTINGS.map((routing) => {
				const row = routings[routing];
				return `  ${signer.padEnd(20)} ${routing.padEnd(8)} ${row.wallMs} ms; ${row.signings} signings, asked for in ${row.steps} steps; ${row.signingMs} ms of it waiting for signatures`;
			}),
		),
		...(withoutTokens === undefined
			? []
			: [`  SoftHSM was left out: ${withoutTokens}`]),
	];
	return {
		report: {
			slowMs: SLOW_MS,
			contestants: results,
			...(withoutTokens === undefined ? {} : { withoutTokens }),
		},
		lines,
	};
}

class Contestant {
	readonly #name: string;
	readonly #batch: number;
	readonly #four: Four;
	readonly #log: Signing[];
	readonly #measured: Record<Routing, Measured[]> = { direct: [], crossed: [] };

	private constructor(name: string, batch: number, four: Four, log: Signing[]) {
		this.#name = name;
		this.#batch = batch;
		this.#four = four;
		this.#log = log;
	}

	static async make(
		name: string,
		batch: number,
		signerOf: (place: Place) => Signer,
	): Promise<Contestant> {
		const log: Signing[] = [];
		const four = await Four.make("P-256", {
			signerOf: (place) => logged(place, signerOf(place), log),
		});
		return new Contestant(name, batch, four, log);
	}

	async round(counts: boolean): Promise<void> {
		for (const routing of ROUTINGS)
			for (let i = 0; i < this.#batch; i++) {
				this.#log.length = 0;
				const start = performance.now();
				const ends = await this.#four.establish(routing);
				const wallMs = performance.now() - start;
				const spans = this.#log.toSorted((a, b) => a.from - b.from);
				if (counts)
					this.#measured[routing].push({
						wallMs,
						signings: spans.length,
						steps: stepsOf(spans),
						signingMs: covered(spans),
					});
				await this.#four.end(ends);
			}
	}

	result() {
		const of = (routing: Routing) => {
			const all = this.#measured[routing];
			const by = (name: keyof Measured) =>
				round(median(all.map((measured) => measured[name])), 2);
			return {
				wallMs: by("wallMs"),
				signings: by("signings"),
				steps: by("steps"),
				signingMs: by("signingMs"),
			};
		};
		return {
			signer: this.#name,
			routings: { direct: of("direct"), crossed: of("crossed") },
		};
	}

	close(): Promise<void> {
		return this.#four.close();
	}
}

/** The longest row of spans of which each begins after the one before has ended: the next to take is always the one that ends first. */
function stepsOf(spans: readonly Signing[]): number {
	let [count, free] = [0, Number.NEGATIVE_INFINITY];
	for (const { from, to } of spans.toSorted((a, b) => a.to - b.to))
		if (from >= free) {
			count++;
			free = to;
		}
	return count;
}

/** Milliseconds in which at least one signature was under way; `spans` by their beginning. */
function covered(spans: readonly Signing[]): number {
	let [sum, until] = [0, Number.NEGATIVE_INFINITY];
	for (const { from, to } of spans) {
		sum += Math.max(0, to - Math.max(from, until));
		until = Math.max(until, to);
	}
	return sum;
}

function logged(place: Place, signer: Signer, log: Signing[]): Signer {
	return {
		algorithm: signer.algorithm,
		publicKey: signer.publicKey,
		async sign(message) {
			const from = performance.now();
			const signature = await signer.sign(message);
			log.push({ place, from, to: performance.now() });
			return signature;
		},
	};
}

/** A software key that takes its time, and the thread's none. */
function slow(wait: () => Promise<void>): Signer {
	const key = generateSoftwareKey("P-256");
	return {
		algorithm: key.algorithm,
		publicKey: key.publicKey,
		async sign(message) {
			await wait();
			return key.sign(message);
		},
	};
}

const atOnce = (): Promise<void> => delay(SLOW_MS);

let queue: Promise<void> = Promise.resolve();

/** As if all four devices shared one slow token. */
function oneAtATime(): Promise<void> {
	queue = queue.then(atOnce);
	return queue;
}

/** Agents in one token and modules in another; all four reach them through one process of the library. */
async function softHsmSigners(
	stack: AsyncDisposableStack,
): Promise<(place: Place) => Signer> {
	const folder = await mkdtemp(join(tmpdir(), "tetrad-bench-"));
	stack.defer(() => rm(folder, { recursive: true, force: true }));
	const room = stack.use(await inSoftHsm(join(folder, "keys")));
	const keys = new Map<Place, Signer>();
	for (const place of PLACES) {
		const { location } = room.plan(
			roleOf(place),
			`bench-${place.toLowerCase()}`,
		);
		const key = await createKey(location, "P-256", { folder });
		keys.set(place, stack.use(key));
	}
	return (place) => keys.get(place) as Signer;
}
