import { type CryptoProvider, nodeCrypto } from "../src/crypto/index.ts";
import {
	ChainVerdicts,
	encodeBundle,
	encodeChain,
	issueDevice,
	issueRoot,
	issueUntrustedList,
	parseTrustAnchor,
	type UntrustedEntry,
	UntrustedLists,
} from "../src/identity/index.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import {
	type BenchOptions,
	type BenchResult,
	cpuOf,
	median,
	round,
} from "./measure.ts";

const SIZES = [10, 1000, 100_000] as const;
const LOOKUPS = 100_000;
const JUDGEMENTS = 10_000;
const NOW: number = Date.UTC(2026, 5, 1);
const DAY = 86_400_000;
const SERIAL_BYTES = 16;

/** Taking up a list, looking a certificate up in it, and judging a chain under it, for lists of 10 to 100,000 entries. */
export async function benchLists({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const benches: ListBench[] = [];
	for (const size of SIZES) benches.push(await ListBench.make(size));
	const results = benches.map(() => ({
		take: [] as number[],
		hit: [] as number[],
		miss: [] as number[],
		warm: [] as number[],
	}));
	for (let i = -1; i < rounds; i++) {
		for (const [at, bench] of benches.entries()) {
			const measured = {
				take: await bench.take(),
				hit: await bench.lookUp(bench.listed),
				miss: await bench.lookUp(bench.unlisted),
				warm: await bench.judge(),
			};
			if (i < 0) continue;
			for (const name of ["take", "hit", "miss", "warm"] as const)
				results[at]?.[name].push(measured[name]);
		}
		if (i >= 0) tell(`round ${i + 1} of ${rounds}`);
	}
	const report = results.map((result, at) => ({
		entries: SIZES[at],
		bytes: benches[at]?.bundle.length,
		issueMs: round(benches[at]?.issueMs ?? 0),
		takeMs: round(median(result.take)),
		hitNs: round(median(result.hit) * 1e6, 0),
		missNs: round(median(result.miss) * 1e6, 0),
		warmVerdictNs: round(median(result.warm) * 1e6, 0),
	}));
	const lines = [
		"CPU time; a hit also reads the entry, a warm verdict hashes the chain",
		...report.map(
			(row) =>
				`${String(row.entries).padStart(7)} entries, ${row.bytes} bytes: issued in ${row.issueMs} ms, taken up in ${row.takeMs} ms, hit ${row.hitNs} ns, miss ${row.missNs} ns, warm verdict ${row.warmVerdictNs} ns`,
		),
	];
	return { report, lines };
}

class ListBench {
	readonly bundle: Uint8Array;
	readonly issueMs: number;
	readonly listed: readonly Uint8Array[];
	readonly unlisted: readonly Uint8Array[];
	readonly #lists: UntrustedLists;
	readonly #makeLists: () => UntrustedLists;
	readonly #verdicts: ChainVerdicts;
	readonly #chain: Uint8Array;

	private constructor(
		bundle: Uint8Array,
		issueMs: number,
		listed: readonly Uint8Array[],
		makeLists: () => UntrustedLists,
		makeVerdicts: (lists: UntrustedLists) => ChainVerdicts,
		chain: Uint8Array,
	) {
		this.bundle = bundle;
		this.issueMs = issueMs;
		this.listed = listed;
		this.unlisted = listed.map(() => nodeCrypto.random(SERIAL_BYTES));
		this.#makeLists = makeLists;
		this.#lists = makeLists();
		this.#lists.offer(bundle, NOW);
		this.#verdicts = makeVerdicts(this.#lists);
		this.#chain = chain;
	}

	static async make(size: number): Promise<ListBench> {
		const crypto: CryptoProvider = nodeCrypto;
		const signer = generateSoftwareKey("P-256");
		const validity = { notBefore: NOW - DAY, notAfter: NOW + DAY };
		const root = await issueRoot(crypto, {
			kind: "agency",
			name: "Bench",
			signer,
			...validity,
		});
		const issuer = { certificate: root, signer };
		const entries: UntrustedEntry[] = Array.from({ length: size }, () => {
			const serial = crypto.random(SERIAL_BYTES);
			serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
			return { serial, instant: NOW - DAY, reason: "keyCompromise" };
		});
		let list = new Uint8Array();
		const issueMs = await cpuOf(async () => {
			list = new Uint8Array(
				await issueUntrustedList(crypto, {
					issuer,
					number: 1n,
					thisUpdate: NOW,
					nextUpdate: NOW + DAY,
					entries,
				}),
			);
		});
		const { algorithm, publicKey } = signer;
		const leaf = await issueDevice(crypto, {
			role: "agent",
			name: "shop",
			algorithm,
			publicKey,
			issuer,
			...validity,
		});
		const policy = {
			agencies: [parseTrustAnchor(crypto, root)],
			banks: [],
			untrustedLists: { maxAgeMs: DAY },
		};
		return new ListBench(
			encodeBundle(list, new Uint8Array()),
			issueMs,
			entries.map(({ serial }) => serial),
			() => new UntrustedLists(crypto, policy),
			(lists) => new ChainVerdicts(crypto, policy, lists),
			encodeChain([leaf]),
		);
	}

	/** Milliseconds to verify and take up the list. */
	async take(): Promise<number> {
		const lists = this.#makeLists();
		return cpuOf(() => void lists.offer(this.bundle, NOW));
	}

	/** Milliseconds for one lookup. */
	async lookUp(serials: readonly Uint8Array[]): Promise<number> {
		const [list] = this.#lists.lists();
		const cpu = await cpuOf(() => {
			for (let i = 0; i < LOOKUPS; i++)
				list?.find(serials[i % serials.length] as Uint8Array);
		});
		return cpu / LOOKUPS;
	}

	/** Milliseconds for one verdict that is remembered. */
	async judge(): Promise<number> {
		const cpu = await cpuOf(() => {
			for (let i = 0; i < JUDGEMENTS; i++)
				this.#verdicts.judge(this.#chain, "agent", NOW);
		});
		return cpu / JUDGEMENTS;
	}
}
