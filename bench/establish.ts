import type {
	CryptoProvider,
	SignatureAlgorithm,
} from "../src/crypto/index.ts";
import { Four } from "./four.ts";
import {
	type BenchOptions,
	type BenchResult,
	clearTheTable,
	cpuOf,
	median,
	medianRatio,
	round,
} from "./measure.ts";
import { TlsBench } from "./nested-tls.ts";
import { type Counts, countingCrypto, timeOperations } from "./operations.ts";
import { measureWire } from "./wire.ts";

/** Establishments in one round of one contestant. */
const BATCH = 20;

/**
 * Rounds before the first that counts. Devices run for years, and the engine takes some thousand
 * establishments to compile what they use; the first round of all is reported as `cpu_ms_fresh`.
 */
const WARM_UP = 60;

interface AlgorithmReport {
	readonly cpu_ms: {
		ours_warm: number;
		resumed: number;
		ours_cold: number;
		nested_tls: number;
		operations: number;
		asymmetric: number;
	};
	/** The means of the first round of all, before anything is compiled. */
	readonly cpu_ms_fresh: { readonly ours: number; readonly nested_tls: number };
	readonly cpu_vs_nested_tls: number;
	readonly cpu_vs_nested_tls_cold: number;
	readonly cpu_vs_operations: number;
	/** Resumed under a token against all four signing, both with known chains. */
	readonly resumed_vs_full: number;
	readonly calls: Counts;
	readonly calls_resumed: Counts;
}

/** Four devices against two nested TLS sessions, and against the sum of our own cryptographic calls. */
export async function benchEstablish(
	options: BenchOptions,
): Promise<BenchResult> {
	const p256 = await benchAlgorithm("P-256", options);
	const ed25519 = await benchAlgorithm("Ed25519", options);
	const wire = await measureWire();
	const report = {
		cpu_vs_nested_tls: p256.cpu_vs_nested_tls,
		cpu_vs_operations: p256.cpu_vs_operations,
		flights_to_bound: wire.flightsToBound,
		flights_to_confirmed: wire.flightsToConfirmed,
		bytes: wire.bytes,
		resumed_vs_full: {
			cpu: p256.resumed_vs_full,
			cpu_ed25519: ed25519.resumed_vs_full,
			bytes: ratioOf(wire.bytes, "resumed", "direct"),
			bytes_classical: ratioOf(
				wire.bytes,
				"resumed, classical",
				"direct, classical",
			),
		},
		algorithms: { "P-256": p256, Ed25519: ed25519 },
	};
	const row = (name: string, value: AlgorithmReport) =>
		`  ${name.padEnd(8)} ours ${value.cpu_ms.ours_warm} ms (cold chains ${value.cpu_ms.ours_cold}), nested TLS ${value.cpu_ms.nested_tls} ms, counted calls ${value.cpu_ms.operations} ms (asymmetric ${value.cpu_ms.asymmetric}): ${value.cpu_vs_nested_tls} of nested TLS (cold ${value.cpu_vs_nested_tls_cold}), ${value.cpu_vs_operations} of the counted calls`;
	return {
		report,
		lines: [
			"CPU time of a whole establishment, hybrid suite, four devices in one process:",
			row("P-256", p256),
			row("Ed25519", ed25519),
			`  resumed, against that: P-256 ${p256.cpu_ms.resumed} ms (${p256.resumed_vs_full}), Ed25519 ${ed25519.cpu_ms.resumed} ms (${ed25519.resumed_vs_full}); bytes ${report.resumed_vs_full.bytes}, classical ${report.resumed_vs_full.bytes_classical}`,
			`  flights to bound: ${list(wire.flightsToBound)}; to confirmed: ${list(wire.flightsToConfirmed)}`,
			`  bytes between the agents: ${list(wire.bytes)}`,
		],
	};
}

function list(values: Readonly<Record<string, number>>): string {
	return Object.entries(values)
		.map(([name, value]) => `${name} ${value}`)
		.join("; ");
}

function ratioOf(
	values: Readonly<Record<string, number>>,
	one: string,
	other: string,
): number {
	return round((values[one] ?? Number.NaN) / (values[other] ?? Number.NaN));
}

async function benchAlgorithm(
	algorithm: SignatureAlgorithm,
	{ rounds, tell }: BenchOptions,
): Promise<AlgorithmReport> {
	const calls = await countCalls(algorithm, "no");
	const callsResumed = await countCalls(algorithm, "yes");
	const four = await Four.make(algorithm);
	const again = await resumingFour(algorithm);
	const tls = await TlsBench.make(algorithm);
	const ours: number[] = [];
	const resumed: number[] = [];
	const cold: number[] = [];
	const nested: number[] = [];
	const counted: number[] = [];
	const asymmetric: number[] = [];
	let fresh = { ours: Number.NaN, nested_tls: Number.NaN };
	for (let i = -WARM_UP; i < rounds; i++) {
		const warm = await repeat(() => establishment(four));
		const once = await repeat(() => establishment(again));
		const theirs = await repeat(async () => {
			let ends: Awaited<ReturnType<TlsBench["establish"]>> | undefined;
			const cpu = await cpuOf(async () => {
				ends = await tls.establish();
			});
			ends?.destroy();
			return cpu;
		});
		if (i === -WARM_UP)
			fresh = { ours: round(warm), nested_tls: round(theirs) };
		const first = await firstContact(algorithm);
		const times = await timeOperations(algorithm);
		const sum = (names: readonly string[]) =>
			names.reduce(
				(total, name) => total + (calls[name] ?? 0) * (times[name] ?? 0),
				0,
			);
		if (i < 0) {
			if (i % 10 === 0) tell(`${algorithm}: warming up, ${-i} rounds to go`);
			continue;
		}
		ours.push(warm);
		resumed.push(once);
		nested.push(theirs);
		cold.push(first);
		counted.push(sum(Object.keys(calls)));
		asymmetric.push(
			sum(
				Object.keys(calls).filter((name) =>
					/x25519|ml-kem|sign|verify/.test(name),
				),
			),
		);
		tell(
			`${algorithm} round ${i + 1} of ${rounds}: ours ${warm.toFixed(2)} ms, resumed ${once.toFixed(2)} ms, nested TLS ${theirs.toFixed(2)} ms, counted calls ${counted.at(-1)?.toFixed(2)} ms`,
		);
	}
	await four.close();
	await again.close();
	tls.close();
	return {
		cpu_ms: {
			ours_warm: round(median(ours)),
			resumed: round(median(resumed)),
			ours_cold: round(median(cold)),
			nested_tls: round(median(nested)),
			operations: round(median(counted)),
			asymmetric: round(median(asymmetric)),
		},
		cpu_ms_fresh: fresh,
		cpu_vs_nested_tls: round(medianRatio(ours, nested)),
		cpu_vs_nested_tls_cold: round(medianRatio(cold, nested)),
		cpu_vs_operations: round(medianRatio(ours, counted)),
		resumed_vs_full: round(medianRatio(resumed, ours)),
		calls,
		calls_resumed: callsResumed,
	};
}

/** The mean of one batch. */
async function repeat(once: () => Promise<number>): Promise<number> {
	clearTheTable();
	let sum = 0;
	for (let i = 0; i < BATCH; i++) sum += await once();
	// What it left behind is its own to collect.
	sum += await cpuOf(clearTheTable);
	return sum / BATCH;
}

/** Four devices that have met, and resume from then on. */
async function resumingFour(
	algorithm: SignatureAlgorithm,
	crypto?: CryptoProvider,
): Promise<Four> {
	const four = await Four.make(algorithm, {
		resumption: "yes",
		...(crypto === undefined ? {} : { crypto }),
	});
	await four.end(await four.establish());
	return four;
}

async function establishment(four: Four): Promise<number> {
	let ends: Awaited<ReturnType<Four["establish"]>> | undefined;
	const cpu = await cpuOf(async () => {
		ends = await four.establish();
	});
	if (ends !== undefined) await four.end(ends);
	return cpu;
}

/** An establishment with devices that have never seen each other's chains. */
async function firstContact(algorithm: SignatureAlgorithm): Promise<number> {
	const costs: number[] = [];
	for (let i = 0; i < 3; i++) {
		const four = await Four.make(algorithm);
		let ends: Awaited<ReturnType<Four["establish"]>> | undefined;
		clearTheTable();
		costs.push(
			await cpuOf(async () => {
				ends = await four.establish();
			}),
		);
		if (ends !== undefined) await four.end(ends);
		await four.close();
	}
	return median(costs);
}

/** What one establishment calls, once chains are known; signing is ours to count, since it is the signer's to do. */
async function countCalls(
	algorithm: SignatureAlgorithm,
	resumption: "no" | "yes",
): Promise<Counts> {
	const { crypto, counts } = countingCrypto();
	const four =
		resumption === "yes"
			? await resumingFour(algorithm, crypto)
			: await Four.make(algorithm, { crypto });
	await four.end(await four.establish());
	for (const name of Object.keys(counts)) counts[name] = 0;
	const ends = await four.establish();
	const calls: Counts = { ...counts, sign: resumption === "yes" ? 0 : 4 };
	await four.end(ends);
	await four.close();
	return calls;
}
