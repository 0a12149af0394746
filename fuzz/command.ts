/* What `npm run fuzz` does: targets one after another, and what was found. */
import { spawnSync } from "node:child_process";
import {
	globSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Stream } from "../sim/random.ts";
import { provenance } from "../tools/provenance.ts";
import { Campaign, countOf, savePage } from "./campaign.ts";
import { readCorpus, writeCorpus } from "./corpus.ts";
import { scratch } from "./decoders.ts";
import { type Failed, type FuzzOptions, fuzz, minimised } from "./fuzzing.ts";
import { structureAt } from "./structures.ts";
import { cpuMs, type Target, tryOne } from "./target.ts";
import { allTargets, beginsWith } from "./targets.ts";

const USAGE = `npm run fuzz                                  # ten seconds for each target
npm run fuzz -- --minutes 60                  # an hour, in equal parts
npm run fuzz -- --seconds 1                   # a second of CPU time for each
npm run fuzz -- --some 5                      # so many targets, drawn from the seed
npm run fuzz -- --runs 50                     # so many inputs for each, beside its corpus
npm run fuzz -- --target note --seed 7        # targets with "note" in their names
npm run fuzz -- --target note --input AAAA    # one input, in base64
npm run fuzz -- --keep                        # and keeps what reaches more than the corpus does
npm run fuzz -- --record                      # begins corpora anew, with what tests decode
npm run fuzz -- --save                        # writes docs/internals/fuzzing.md
npm run fuzz -- --list                        # what is fuzzed
npm run fuzz -- --json                        # a line of JSON for each target`;

const DEFAULT_SECONDS = 10;

/** How the blocks that are reached are looked at. */
export interface Blocks {
	readonly fresh: () => number;
	readonly forget: () => void;
	/** A one for each that was reached since then. */
	readonly reached: () => Uint8Array;
}

/** Exit codes: 0, everything held; 1, something did not; 2, the command was wrong. */
export async function main(
	args: readonly string[],
	blocks: Blocks,
): Promise<number> {
	let values: ReturnType<typeof read>;
	try {
		values = read(args);
	} catch (thrown) {
		console.error(`${(thrown as Error).message}\n\n${USAGE}`);
		return 2;
	}
	if (values.help) {
		console.log(USAGE);
		return 0;
	}
	const folder = scratch();
	try {
		const all = await allTargets(folder.path);
		const named = all.filter(({ name }) =>
			values.target.every((part) => name.includes(part)),
		);
		const targets =
			values.some === undefined
				? named
				: drawn(named, values.some, values.seed);
		if (targets.length === 0) {
			console.error(`no target has ${values.target.join(" and ")} in its name`);
			return 2;
		}
		if (values.list) {
			for (const { name } of targets) console.log(name);
			return 0;
		}
		if (values.input !== undefined)
			return await tryInput(targets, Buffer.from(values.input, "base64"));
		const recorded: ReadonlyMap<string, readonly Uint8Array[]> = values.record
			? record()
			: new Map();
		const campaign = new Campaign(
			targets.length,
			values.seed,
			provenance("src", "fuzz", "sim"),
		);
		blocks.forget();
		for (const target of targets) {
			const known = [
				...readCorpus(target.name),
				...beginsWith(target).flatMap((name) => recorded.get(name) ?? []),
			];
			const start = cpuMs();
			const done = await fuzz(target, {
				seed: values.seed,
				corpus: known,
				...limitOf(target, known, targets.length, values),
				freshBlocks: blocks.fresh,
			});
			const { taken, kept, failed } = done;
			const seconds = Math.round((cpuMs() - start) / 100) / 10;
			const reached = blocks.reached();
			campaign.add(target, done, seconds, reached);
			const inputs =
				(values.keep || values.record) && failed === undefined
					? writeCorpus(
							target.name,
							await minimised(
								target,
								[...known, ...target.seeds, ...kept],
								blocks,
							),
						)
					: known.length;
			blocks.forget();
			if (values.save) savePage(campaign);
			const { name } = target;
			const { isNeverTaken = false } = target;
			const said = {
				...{ target: name, seed: values.seed, runs: done.runs },
				...{ taken, isNeverTaken },
			};
			if (values.json)
				console.log(
					JSON.stringify({
						...{ ...said, fresh: kept.length, inputs, seconds },
						blocks: countOf(reached),
						...(failed !== undefined && { failed: shown(failed) }),
					}),
				);
			else {
				console.log(
					`${name}: ${done.runs} inputs in ${seconds} s of CPU time, ${taken} of them taken; ${kept.length} reach more than ${inputs} of its corpus`,
				);
				if (failed !== undefined) tellFailure(name, failed);
			}
		}
		return campaign.hasFailed ? 1 : 0;
	} finally {
		folder.remove();
	}
}

function read(args: readonly string[]) {
	const { values } = parseArgs({
		args: [...args],
		options: {
			help: { type: "boolean", default: false },
			input: { type: "string" },
			json: { type: "boolean", default: false },
			keep: { type: "boolean", default: false },
			list: { type: "boolean", default: false },
			minutes: { type: "string" },
			record: { type: "boolean", default: false },
			runs: { type: "string" },
			save: { type: "boolean", default: false },
			some: { type: "string" },
			seconds: { type: "string", default: `${DEFAULT_SECONDS}` },
			seed: { type: "string", default: `${Date.now() % 2 ** 31}` },
			target: { type: "string", multiple: true, default: [] },
		},
	});
	const number = (name: string, text: string) => {
		const value = Number(text);
		if (!(value > 0) || value > 2 ** 31)
			throw new Error(`--${name} takes a number above 0`);
		return value;
	};
	return {
		...values,
		minutes:
			values.minutes === undefined
				? undefined
				: number("minutes", values.minutes),
		runs: values.runs === undefined ? undefined : number("runs", values.runs),
		seconds: number("seconds", values.seconds),
		some: values.some === undefined ? undefined : number("some", values.some),
		seed: Math.floor(number("seed", values.seed)),
	};
}

/** So many targets that a seed draws: the same ones each time. */
function drawn(
	targets: readonly Target[],
	some: number,
	seed: number,
): Target[] {
	const die = new Stream(`${seed}`, "targets");
	const left = [...targets];
	const chosen: Target[] = [];
	while (chosen.length < some && left.length > 0)
		chosen.push(...left.splice(die.below(left.length), 1));
	return chosen;
}

/** How long a target is fuzzed, or how often. */
function limitOf(
	{ seeds, weight = 1 }: Target,
	known: readonly Uint8Array[],
	targets: number,
	{ runs, minutes, seconds }: ReturnType<typeof read>,
): Pick<FuzzOptions, "runs" | "forMs" | "forCpuMs"> {
	if (runs !== undefined)
		return { runs: known.length + seeds.length + Math.ceil(runs / weight) };
	if (minutes !== undefined) return { forMs: (minutes * 60_000) / targets };
	return { forCpuMs: seconds * 1_000 };
}

async function tryInput(
	targets: readonly Target[],
	input: Uint8Array,
): Promise<number> {
	for (const target of targets)
		try {
			const isTaken = await tryOne(target, input);
			console.log(`${target.name}: ${isTaken ? "taken" : "refused"}`);
		} catch (thrown) {
			console.error(`${target.name}: ${stackOf(thrown)}`);
			return 1;
		}
	return 0;
}

function tellFailure(name: string, failed: Failed): void {
	const { input, error, seed, path } = failed;
	console.error(`
${name} does not hold (seed ${seed}, path ${path || "its corpus"}):
${stackOf(error)}

npm run fuzz -- --target "${name}" --input ${Buffer.from(input).toString("base64") || '""'}
`);
}

function shown({ input, error, seed, path }: Failed) {
	const text = Buffer.from(input).toString("base64");
	return { input: text, error: stackOf(error), seed, path };
}

function stackOf(thrown: unknown): string {
	if (!(thrown instanceof Error)) return String(thrown);
	const { cause } = thrown;
	return `${thrown.stack ?? thrown.message}${cause instanceof Error ? `\nbecause of ${cause.stack}` : ""}`;
}

/** What tests of these rooms decode, by the name of the target. */
function record(): ReadonlyMap<string, readonly Uint8Array[]> {
	const root = fileURLToPath(new URL("..", import.meta.url));
	const folder = mkdtempSync(join(tmpdir(), "tetrad-record-"));
	try {
		const files = globSync(
			"test/{tetrad,money,trade,talk,identity,attacks}/**/*.test.ts",
			{ cwd: root },
		).filter((file) => !/\.(process|slow)\.test\.ts$/.test(file));
		spawnSync(
			process.execPath,
			[
				...["--import", "./fuzz/record.ts"],
				...["--test", "--test-isolation=none", ...files],
			],
			{
				cwd: root,
				env: { ...process.env, TETRAD_FUZZ_RECORD: folder },
				stdio: "ignore",
			},
		);
		const found = new Map<string, Uint8Array[]>();
		for (const file of readdirSync(folder)) {
			const said: Record<string, string[]> = JSON.parse(
				readFileSync(join(folder, file), "utf8"),
			);
			for (const [place, inputs] of Object.entries(said)) {
				const name = `structure ${structureAt.get(place)}`;
				const all = found.get(name) ?? [];
				for (const input of inputs) {
					const bytes = new Uint8Array(Buffer.from(input, "base64"));
					if (!all.some(({ length }) => length === bytes.length))
						all.push(bytes);
				}
				found.set(name, all);
			}
		}
		return found;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
