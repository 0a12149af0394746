/*
 * Mutation testing of the rooms that hold keys and money: a random sample of small changes, and
 * whether tests that start no process, or worlds of the simulator, notice each of them.
 *
 *   npm run mutate                                a sample of all four rooms
 *   npm run mutate -- --room money --sample 50    of one, or of a folder of one: --room money/purse/ecash
 *   npm run mutate -- --seed 7                    another sample
 *   npm run mutate -- --at src/trade/agent/buying.ts:146   all mutants of a line
 *   npm run mutate -- --again lines.json          those of an earlier run with --json that were not noticed; the score is that of all of it
 *   npm run mutate -- --seconds 300               tests of that much CPU time for each mutant, in the place of 10 s
 *   npm run mutate -- --dearest 6                 without test files that cost more CPU seconds, as test/cpu.json says, and without worlds
 *   npm run mutate -- --minutes 50                those of the sample that fit, all rooms at the same pace
 *   npm run mutate -- --parallel 4                so many at once
 *   npm run mutate -- --json                      a line of JSON for each mutant
 *
 * Which test reaches which mutants is measured once, and again when its file, what that imports of
 * tests and tools, or one of the sources that mutants were drawn from has changed.
 */
import { createHash } from "node:crypto";
import {
	globSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Stream } from "../sim/random.ts";
import { MEASURED_ROOMS } from "./branch-coverage.ts";
import {
	MutationJudge,
	type ReachingTest,
	type Verdict,
} from "./mutation/judge.ts";
import { type Mutant, mutantsOf } from "./mutation/mutants.ts";
import { type Reached, reachedBy, type Source } from "./mutation/reach.ts";
import { type Costs, findTests, startsProcesses } from "./test-plan.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CACHE = join(ROOT, "node_modules", ".cache", "tetrad");
const SIMULATOR = "tools/mutation/simulated.ts";

/** Rooms whose tests reach those that are measured, and find mutants there. */
const TESTS =
	/^test\/(session|tetrad|money|trade|talk|attacks|protocol|sim|device|testing|store|paid)\//;

const { values } = parseArgs({
	options: {
		again: { type: "string" },
		at: { type: "string", multiple: true, default: [] },
		dearest: { type: "string" },
		json: { type: "boolean", default: false },
		minutes: { type: "string", default: "Infinity" },
		parallel: { type: "string", default: `${availableParallelism()}` },
		room: { type: "string", multiple: true, default: [] },
		sample: { type: "string", default: "400" },
		seconds: { type: "string", default: "10" },
		seed: { type: "string", default: "1" },
	},
});

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const costs: Costs = JSON.parse(read("test/cpu.json"));
/** Worlds are no test file. A file whose cost was not recorded yet is a new one, and most are cheap. */
const costOf = (file: string) =>
	costs[file] ?? (file === SIMULATOR ? Number.POSITIVE_INFINITY : 0);
const { dearest } = values;
const tests = [
	...findTests(ROOT).filter(
		(file) => TESTS.test(file) && !startsProcesses(file),
	),
	SIMULATOR,
].filter((file) => dearest === undefined || costOf(file) <= Number(dearest));
const digestOf = (text: string) =>
	createHash("sha256").update(text).digest("hex").slice(0, 16);

const IMPORTED = /from "(\.[^"]+\.ts)"/g;

/** What a file imports that is no source, also by others that it imports, and itself. */
function withImported(file: string, found: Set<string> = new Set()) {
	if (file.startsWith("src/") || found.has(file)) return found;
	found.add(file);
	for (const [, to = ""] of read(file).matchAll(IMPORTED))
		withImported(join(dirname(file), to), found);
	return found;
}

/** Of a test file, and of all that it is made of beside the sources. */
const digestOfTest = (test: string) =>
	digestOf([...withImported(test)].map(read).join());
const sources: readonly Source[] = MEASURED_ROOMS.flatMap((room) =>
	globSync(`src/${room}/**/*.ts`, { cwd: ROOT })
		.sort()
		.map((file) => {
			const text = read(file);
			const inOrder = mutantsOf(file, text).toSorted(
				(a, b) =>
					a.reachedAt - b.reachedAt || a.start - b.start || a.end - b.end,
			);
			return { file, digest: digestOf(text), mutants: inOrder };
		}),
);
const mutants = sources.flatMap((source) => source.mutants);
const parallel = Math.max(1, Number(values.parallel));

async function inParallel<Item>(
	items: readonly Item[],
	work: (item: Item) => Promise<void>,
): Promise<void> {
	const queue = [...items];
	const worker = async () => {
		for (let next = queue.shift(); next !== undefined; next = queue.shift())
			await work(next);
	};
	await Promise.all(Array.from({ length: parallel }, worker));
}

/** What each test reaches, measured now or when nothing was different in the sources that matter. */
async function reach(
	matter: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Reached>> {
	const path = join(CACHE, "mutants-reached-3.json");
	let known: Record<string, Reached> = {};
	try {
		known = JSON.parse(readFileSync(path, "utf8"));
	} catch {}
	const found = new Map<string, Reached>();
	const left: Record<string, Reached> = { ...known };
	await inParallel(tests, async (test) => {
		const key = `${test} ${digestOfTest(test)}`;
		const before = known[key];
		const isFresh = sources.every(
			({ file, digest }) =>
				!matter.has(file) || before?.sources[file]?.digest === digest,
		);
		const reached =
			before?.passed === true && isFresh
				? before
				: await reachedBy(ROOT, test, sources);
		if (!reached.passed)
			console.error(`${test} fails with nothing changed, and is left out`);
		found.set(test, reached);
		if (reached === before) return;
		// A run that is ended early leaves what it has measured to the next one.
		left[key] = reached;
		writeFileSync(path, JSON.stringify(left));
	});
	return found;
}

/** The words of a path behind its room, each in the singular. */
const wordsOf = (file: string) =>
	file
		.replace(/(\.slow)?(\.test)?\.ts$/, "")
		.split("/")
		.slice(2)
		.flatMap((part) => part.split("-"))
		.map((word) => word.replace(/s$/, ""));

/** Names that are declared at the top of a source, from where they begin. */
const DECLARED = /^(?:export )?(?:const|function|class) (\w+)/gm;

/** The constant, function or class of a source that a mutant is in. */
const declaredAt = ({ file, start }: Mutant) =>
	[...read(file).matchAll(DECLARED)].findLast(
		({ index }) => index <= start,
	)?.[1];

/** The words of a test file. */
const wordsIn = new Map(
	tests.map((test) => [test, new Set(read(test).match(/\w+/g))]),
);

/** Mutants on the lines that say a name, or beside them: their places in each source. */
const saying = (name: string) =>
	sources.flatMap((source) => {
		const named = new RegExp(`\\b${name}\\b`);
		const lines = read(source.file).split("\n");
		const isNear = ({ line }: Mutant) =>
			lines
				.slice(Math.max(0, line - 2), line + 1)
				.some((one) => named.test(one));
		const places = source.mutants.flatMap((one, at) =>
			isNear(one) ? [at] : [],
		);
		return places.length === 0 ? [] : [{ source, places }];
	});

/** All tests that reach a mutant; if it is reached while a file is loaded, all of the file, and those are its own that come to where its name is said. */
function reachingOf(mutant: Mutant): ReachingTest[] {
	const source = sources.find(({ file }) => file === mutant.file);
	const at = source?.mutants.indexOf(mutant) ?? -1;
	const words = wordsOf(mutant.file);
	const name = declaredAt(mutant) ?? "";
	const uses = name === "" ? [] : saying(name);
	return [...reached].flatMap(([file, { passed, ...measured }]) => {
		const here = measured.sources[mutant.file];
		if (!passed || here === undefined) return [];
		const { loadingSeconds } = measured;
		const isOfRoom = file.split("/")[1] === roomOf(mutant);
		const isNaming = wordsIn.get(file)?.has(name) === true;
		const isNamed = wordsOf(file).some((word) => words.includes(word));
		const isOfAll = here.loading?.[at] === "1";
		const isUsing = (place: number) =>
			uses.some(({ source: { file: of, digest }, places }) => {
				const there = measured.sources[of];
				const bits = there?.digest === digest ? there.tests[place] : undefined;
				return places.some((one) => bits?.[one] === "1");
			});
		return measured.tests.flatMap((test, place) => {
			const isReached = here.tests[place]?.[at] === "1";
			if (!isReached && !isOfAll) return [];
			const isOwn = isReached || isUsing(place);
			const likely = { isNaming, isNamed, isOfRoom, isOwn };
			return { ...test, file, loadingSeconds, ...likely };
		});
	});
}

const roomOf = ({ file }: Mutant) => file.split("/")[1] ?? "";

/** Whether it is of a room, or of a folder of one. */
const isOf = (room: string, { file }: Mutant) =>
	file.startsWith(`src/${room}/`);

/** All rooms, or those that were asked for. */
const rooms: readonly string[] =
	values.room.length > 0 ? values.room : MEASURED_ROOMS;

const isNoticed = (verdict: Verdict | undefined) =>
	verdict?.kind === "killed" || verdict?.kind === "timed-out";

/** What was judged in an earlier run, and is there still. */
function judgedBefore(path: string): ReadonlyMap<number, Verdict> {
	const nameOf = ({ file, start, end, replacement }: Mutant) =>
		JSON.stringify([file, start, end, replacement]);
	const places = new Map(mutants.map((mutant, at) => [nameOf(mutant), at]));
	const lines = readFileSync(path, "utf8").trim().split("\n");
	return new Map(
		lines.flatMap((line) => {
			const judged: Mutant & { verdict: Verdict } = JSON.parse(line);
			const at = places.get(nameOf(judged));
			return at === undefined ? [] : [[at, judged.verdict] as const];
		}),
	);
}

/** So many of each room, by the size of the room, but 25 of each at least. */
function sampled(): readonly number[] {
	if (values.at.length > 0)
		return mutants.flatMap(({ file, line }, index) =>
			values.at.includes(`${file}:${line}`) ? [index] : [],
		);
	const most = Number(values.sample);
	const inRooms = mutants.filter((mutant) =>
		rooms.some((room) => isOf(room, mutant)),
	);
	const ofRooms = rooms.map((room) => {
		const die = new Stream(values.seed, `mutants of ${room}`);
		const all = mutants.flatMap((mutant, index) =>
			isOf(room, mutant) ? [index] : [],
		);
		const share = Math.max(
			25,
			Math.round((most * all.length) / inRooms.length),
		);
		const chosen: number[] = [];
		while (chosen.length < share && all.length > 0)
			chosen.push(...all.splice(die.below(all.length), 1));
		return chosen;
	});
	// All rooms at the same pace, so that a run that is cut short says something of each.
	return ofRooms
		.flatMap((chosen) =>
			chosen.map((index, at) => ({ index, at: at / chosen.length })),
		)
		.toSorted((a, b) => a.at - b.at)
		.map(({ index }) => index);
}

/** Wilson's interval of a share, at 95 %. */
function interval(hits: number, all: number): readonly [number, number] {
	const z = 1.96;
	const share = hits / all;
	const middle = share + (z * z) / (2 * all);
	const reach =
		z * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all));
	const whole = 1 + (z * z) / all;
	return [(middle - reach) / whole, (middle + reach) / whole];
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function shown({ file, line, operator, start, end, replacement }: Mutant) {
	const was = read(file).slice(start, end).replaceAll(/\s+/g, " ");
	const cut = (text: string) =>
		text.length > 90 ? `${text.slice(0, 90)}…` : text;
	return `${file}:${line} (${operator}): ${cut(was)} → ${cut(replacement)}`;
}

mkdirSync(CACHE, { recursive: true });
const folder = mkdtempSync(join(CACHE, "mutants-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.env["NODE_COMPILE_CACHE"] ??= CACHE;

const verdicts = new Map<number, Verdict>(
	values.again === undefined ? [] : judgedBefore(values.again),
);
const sample =
	values.again === undefined
		? sampled()
		: [...verdicts].flatMap(([at, verdict]) =>
				isNoticed(verdict) ? [] : [at],
			);
const reached = await reach(
	new Set(sample.map((index) => mutants[index]?.file ?? "")),
);
const court = new MutationJudge({
	root: ROOT,
	folder,
	mostSeconds: Number(values.seconds),
});
const last = performance.now() + Number(values.minutes) * 60_000;
await inParallel(sample, async (index) => {
	const mutant = mutants[index];
	const start = performance.now();
	if (mutant === undefined || start > last) return;
	const verdict = await court.judge(mutant, reachingOf(mutant));
	const seconds = Math.round(performance.now() - start) / 1000;
	verdicts.set(index, verdict);
	if (values.json) console.log(JSON.stringify({ ...mutant, verdict, seconds }));
	else if (verdict.kind === "survived" || verdict.kind === "unreached")
		console.log(`${verdict.kind}: ${shown(mutant)}`);
});

for (const room of new Set([...MEASURED_ROOMS, ...rooms, "all"])) {
	const here = [...verdicts].filter(
		([index]) => room === "all" || isOf(room, mutants[index] as Mutant),
	);
	if (here.length === 0) continue;
	const killed = here.filter(([, verdict]) => isNoticed(verdict)).length;
	const [low, high] = interval(killed, here.length);
	const all = mutants.filter(
		(mutant) => room === "all" || isOf(room, mutant),
	).length;
	console.error(
		`${room}: ${killed} of ${here.length} mutants noticed, ${percent(killed / here.length)} (${percent(low)} to ${percent(high)}), of ${all} that there are`,
	);
}
