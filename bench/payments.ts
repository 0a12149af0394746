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

/** Payments, and swaps, in one turn of one contestant. */
const BATCH = { documents: 200, swaps: 20 } as const;

/** Turns before the first that counts. */
const WARM_UP = 10;

const ALGORITHMS: readonly SignatureAlgorithm[] = ["P-256", "Ed25519"];

/** What a payment costs beside a swap of Cashu, turn by turn. */
export async function benchPayments({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const swap = new Swap();
	const documents = {
		"P-256": await PaymentDocuments.make("P-256"),
		Ed25519: await PaymentDocuments.make("Ed25519"),
	};
	const cpu = {
		"P-256": [] as number[],
		Ed25519: [] as number[],
		swap: [] as number[],
		swapWithDleq: [] as number[],
	};
	for (let i = -WARM_UP; i < rounds; i++) {
		const turn = {
			"P-256": await mean(BATCH.documents, () => documents["P-256"].pay()),
			swap: await mean(BATCH.swaps, () => swap.swap()),
			Ed25519: await mean(BATCH.documents, () => documents.Ed25519.pay()),
			swapWithDleq: await mean(BATCH.swaps, () => swap.swap(true)),
		};
		if (i < 0) continue;
		for (const name of Object.keys(turn) as (keyof typeof turn)[])
			cpu[name].push(turn[name]);
		tell(
			`round ${i + 1} of ${rounds}: documents ${turn["P-256"].toFixed(3)} ms, swap ${turn.swap.toFixed(2)} ms`,
		);
	}
	const ms = (name: keyof typeof cpu) => round(median(cpu[name]));
	const ratio = (name: SignatureAlgorithm) =>
		round(medianRatio(cpu.swap, cpu[name]), 1);
	return {
		report: {
			documents: Object.fromEntries(
				ALGORITHMS.map((name) => [
					name,
					{ cpu_ms: ms(name), times_cheaper_than_swap: ratio(name) },
				]),
			),
			swap: { cpu_ms: ms("swap"), with_dleq_cpu_ms: ms("swapWithDleq") },
		},
		lines: [
			"CPU time of what is signed and verified for one payment, both sides, one note:",
			...ALGORITHMS.map(
				(name) =>
					`  ${name.padEnd(8)} ${ms(name)} ms: transfer signed, note and transfer verified, receipt signed and verified`,
			),
			"and of one swap with @cashu/cashu-ts, one proof in and one out:",
			`  swap     ${ms("swap")} ms: output blinded, signed and unblinded, proof verified by the mint (${ms("swapWithDleq")} ms where the mint also proves which key it signed with, which the library leaves to it)`,
			...ALGORITHMS.map(
				(name) =>
					`  a swap costs ${ratio(name)} times the documents of a payment, ${name}`,
			),
			"  Cashu's buys anonymity, and ours does not: notes are registered to their holder.",
		],
	};
}

/** CPU time of one, in milliseconds. */
async function mean(
	count: number,
	once: () => Promise<void> | void,
): Promise<number> {
	clearTheTable();
	const cpu = await cpuOf(async () => {
		for (let i = 0; i < count; i++) await once();
		// What it left behind is its own to collect.
		clearTheTable();
	});
	return cpu / count;
}
