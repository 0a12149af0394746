import { NO_POSTGRES, PostgresServer } from "../test/support/postgres.ts";
import { Depositing, DepositWorld } from "./depositing.ts";
import {
	type Database,
	type LedgerPlace,
	postgresPlace,
	sqlitePlace,
} from "./ledger-store.ts";
import {
	type BenchOptions,
	type BenchResult,
	clearTheTable,
	cpuOf,
	median,
	medianRatio,
	round,
} from "./measure.ts";

/** Notes that are there before the first deposit. */
const SIZES = [10_000, 1_000_000] as const;

/** Deposits in one turn of one contestant. */
const BATCH = 512;

/** Deposits under way at once. */
const CONCURRENT = 64;

/** Turns before the first that counts. */
const WARM_UP = 4;

interface Contestant {
	readonly database: Database;
	readonly notes: number;
	readonly depositing: Depositing;
	readonly wallMs: number[];
	readonly cpuMs: number[];
}

/** Deposits per second of an issuer whose ledger is small or large, turn by turn. */
export async function benchDeposits({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	await using stack = new AsyncDisposableStack();
	const world = await DepositWorld.make();
	const contestants: Contestant[] = [];
	const enter = async (
		database: Database,
		notes: number,
		place: LedgerPlace,
	) => {
		stack.use(place);
		tell(`${database}: putting ${notes} notes there`);
		// The tables have to be there before they are filled.
		await (await place.open())[Symbol.asyncDispose]();
		await place.fill(notes);
		const store = stack.use(await place.open());
		const depositing = await Depositing.make(world, store);
		contestants.push({ database, notes, depositing, wallMs: [], cpuMs: [] });
	};
	for (const notes of SIZES) await enter("SQLite", notes, await sqlitePlace());
	if (NO_POSTGRES === false) {
		const server = stack.use(await PostgresServer.start());
		for (const [i, notes] of SIZES.entries())
			await enter(
				"PostgreSQL",
				notes,
				postgresPlace(server, `bench_${"ab"[i]}`),
			);
	}
	for (let i = -WARM_UP; i < rounds; i++) {
		for (const { depositing, wallMs, cpuMs } of contestants) {
			await depositing.prepare(BATCH);
			clearTheTable();
			const started = performance.now();
			const cpu = await cpuOf(() => depositing.depositAll(CONCURRENT));
			if (i < 0) continue;
			wallMs.push((performance.now() - started) / BATCH);
			cpuMs.push(cpu / BATCH);
		}
		if (i >= 0) tell(`round ${i + 1} of ${rounds}`);
	}
	const results = contestants.map(({ database, notes, wallMs, cpuMs }) => ({
		database,
		notes,
		per_second: round(1000 / median(wallMs), 0),
		cpu_ms: round(median(cpuMs)),
	}));
	const ratios = Object.fromEntries(
		[...Map.groupBy(contestants, ({ database }) => database)].map(
			([database, [small, large]]) => [
				database,
				round(medianRatio(small?.wallMs ?? [], large?.wallMs ?? []), 2),
			],
		),
	);
	return {
		report: {
			concurrent: CONCURRENT,
			contestants: results,
			large_vs_small: ratios,
			...(NO_POSTGRES === false ? {} : { withoutPostgres: NO_POSTGRES }),
		},
		lines: [
			`Deposits of one transfer each by an issuer, ${CONCURRENT} at once, verified and durable:`,
			...results.map(
				({ database, notes, per_second, cpu_ms }) =>
					`  ${database.padEnd(10)} with ${String(notes).padStart(7)} notes there: ${per_second} a second, ${cpu_ms} ms of CPU of the issuer's process for each`,
			),
			...Object.entries(ratios).map(
				([database, ratio]) =>
					`  ${database.padEnd(10)} with the most notes it is ${ratio} times as fast as with the fewest`,
			),
			...(NO_POSTGRES === false
				? []
				: [`  PostgreSQL was left out: ${NO_POSTGRES}`]),
			"The notes that were there are filler, unsigned and fully booked; those deposited are real.",
		],
	};
}
