import type { SignatureAlgorithm } from "../src/crypto/index.ts";
import {
	type BenchOptions,
	type BenchResult,
	clearTheTable,
	cpuOf,
	median,
	medianRatio,
	round,
} from "./measure.ts";
import { PaymentDocuments } from "./payment-documents.ts";
import { Swap } from "./swap.ts";
import { WholePayments } from "./whole-payments.ts";

/** How many in one turn of one contestant. */
const BATCH = { documents: 200, swaps: 20, alone: 30, together: 512 } as const;

/** Payments under way at once, of those together. */
const CONCURRENT = 64;

/** Turns before the first that counts. */
const WARM_UP = 10;

const ALGORITHMS: readonly SignatureAlgorithm[] = ["P-256", "Ed25519"];

/** One turn: CPU time and wall time of one, in milliseconds. */
interface Turn {
	readonly cpuMs: number;
	readonly wallMs: number;
}

/** What is measured of one algorithm, turn by turn. */
interface Turns {
	readonly documents: Turn[];
	readonly alone: Turn[];
	readonly together: Turn[];
}

/** What a payment costs beside a swap of Cashu, turn by turn. */
export async function benchPayments({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const swap = new Swap();
	const swaps: Turn[] = [];
	const swapsWithDleq: Turn[] = [];
	const contestants = [];
	for (const algorithm of ALGORITHMS) {
		const turns: Turns = { documents: [], alone: [], together: [] };
		const documents = await PaymentDocuments.make(algorithm);
		const whole = await WholePayments.make(algorithm);
		contestants.push({ algorithm, turns, documents, whole });
	}
	for (let i = -WARM_UP; i < rounds; i++) {
		const counts = i >= 0;
		for (const { turns, documents, whole } of contestants) {
			const measured = {
				documents: await turn(BATCH.documents, async (count) => {
					for (let j = 0; j < count; j++) await documents.pay();
				}),
				alone: await turn(BATCH.alone, (count) => whole.payMany(count, 1)),
				together: await turn(BATCH.together, (count) =>
					whole.payMany(count, CONCURRENT),
				),
			};
			if (!counts) continue;
			for (const name of Object.keys(measured) as (keyof Turns)[])
				turns[name].push(measured[name]);
		}
		const swapTurn = await turn(BATCH.swaps, (count) => {
			for (let j = 0; j < count; j++) swap.swap();
		});
		const withDleq = await turn(BATCH.swaps, (count) => {
			for (let j = 0; j < count; j++) swap.swap(true);
		});
		if (!counts) {
			tell(`warming up, ${-i} rounds to go`);
			continue;
		}
		swaps.push(swapTurn);
		swapsWithDleq.push(withDleq);
		tell(`round ${i + 1} of ${rounds}`);
	}
	for (const { whole } of contestants) await whole.close();

	const results = contestants.map(({ algorithm, turns }) => ({
		algorithm,
		documents: costOf(turns.documents, swaps),
		alone: { ...costOf(turns.alone, swaps), per_second: rate(turns.alone) },
		together: {
			...costOf(turns.together, swaps),
			per_second: rate(turns.together),
		},
	}));
	const swapMs = cpu(swaps);
	const dleqMs = cpu(swapsWithDleq);
	return {
		report: {
			concurrent: CONCURRENT,
			algorithms: Object.fromEntries(
				results.map(({ algorithm, ...result }) => [algorithm, result]),
			),
			swap: { cpu_ms: swapMs, with_dleq_cpu_ms: dleqMs },
		},
		lines: [
			"One swap with @cashu/cashu-ts, one proof in and one out, CPU time:",
			`  ${swapMs} ms: output blinded, signed and unblinded, proof verified by the mint; no encoding, no store, no network`,
			`  ${dleqMs} ms where the mint also proves which key it signed with (DLEQ), which the library does not do by itself`,
			"One payment, CPU time of both sides, and how many times that a swap costs:",
			...results.flatMap(({ algorithm, documents, alone, together }) => {
				const row = (name: string, of: Cost) =>
					`  ${algorithm.padEnd(8)} ${name}: ${of.cpu_ms} ms; a swap costs ${of.swap_vs_payment} times as much`;
				return [
					row("what is signed and verified, and nothing else", documents),
					`${row(`whole, ${CONCURRENT} at once`, together)}; ${together.per_second} payments a second`,
					`${row("whole, one at a time", alone)}; ${alone.per_second} payments a second`,
				];
			}),
			"Whole is from agent to agent through a tetrad over TCP, both purses and witnesses on a disk, four devices in one process.",
			"Cashu's swap buys anonymity, and our payment does not: notes are registered to their holder.",
		],
	};
}

interface Cost {
	readonly cpu_ms: number;
	readonly swap_vs_payment: number;
}

function costOf(turns: readonly Turn[], swaps: readonly Turn[]): Cost {
	const ratio = medianRatio(
		swaps.map(({ cpuMs }) => cpuMs),
		turns.map(({ cpuMs }) => cpuMs),
	);
	return { cpu_ms: cpu(turns), swap_vs_payment: round(ratio, 2) };
}

function cpu(turns: readonly Turn[]): number {
	return round(median(turns.map(({ cpuMs }) => cpuMs)));
}

function rate(turns: readonly Turn[]): number {
	return round(1000 / median(turns.map(({ wallMs }) => wallMs)), 0);
}

async function turn(
	count: number,
	run: (count: number) => Promise<void> | void,
): Promise<Turn> {
	clearTheTable();
	const started = performance.now();
	const used = await cpuOf(async () => {
		await run(count);
		// What it left behind is its own to collect.
		clearTheTable();
	});
	return {
		cpuMs: used / count,
		wallMs: (performance.now() - started) / count,
	};
}
