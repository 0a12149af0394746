/* What `npm run crash` does. */
import { stderr, stdout } from "node:process";
import { inspect } from "node:util";
import { type CrashResult, crash, type Failure, NoCompiler } from "./crash.ts";
import type { Figures, RoundPlan } from "./round.ts";
import { MACHINES } from "./world.ts";

const USAGE = `npm run crash -- [--rounds N] [--seed N] [--power] [--json] [--lying-disks]

  --rounds N     how many rounds, one after another; 20 unless given
  --seed N       of the first round; each further one has the next; 1 unless given
  --power        cuts the power of machines, too, whose disks then forget what was
                 not synced; needs a C compiler
  --json         figures as one line of JSON, and nothing else
  --lying-disks  with power cuts, and disks that answer a sync and sync nothing:
                 that has to be found

Exit code 0: everything held, or lying disks were found. 1: something did not, or
they were not. 2: the command was wrong.
`;

/** Where nobody watches a line that changes, one is written each so many rounds. */
const LINE_EVERY = 10;

function figuresText({
	figures,
	cpuSeconds,
	wallSeconds,
}: CrashResult): string {
	const { fates } = figures;
	return [
		`${figures.rounds} rounds: ${figures.kills} kills, ${figures.powerCuts} power cuts`,
		`owners: ${figures.purchases} purchases asked for, ${figures.bought} bought; ${figures.payments} payments and ${figures.withdrawals} withdrawals beside them`,
		...(figures.powerCuts === 0
			? []
			: [
					`disks: ${figures.syncs} syncs; of what was not synced at a power cut, all was lost ${fates.lost} times, all kept ${fates.kept}, the first of it kept ${fates.first}, and torn ${fates.torn}: ${figures.changesLost} changes of files and ${figures.namesLost} of names were lost`,
				]),
		`${Math.round(cpuSeconds)} s of CPU in ${Math.round(wallSeconds)} s`,
	].join("\n");
}

/** What was to happen in a round, in the order in which it began. */
function planText({ deeds, strikes }: RoundPlan): string {
	return [...deeds, ...strikes]
		.toSorted((a, b) => a.at - b.at)
		.map(({ at, kind, ...rest }) => {
			const details = inspect(rest, { breakLength: Infinity, depth: 3 });
			return `  ${String(at).padStart(5)} ms  ${kind} ${details}`;
		})
		.join("\n");
}

function failureText({ plan, why, folder }: Failure, isPower: boolean): string {
	return [
		`Seed ${plan.seed}: ${why instanceof Error ? why.stack : String(why)}`,
		"",
		"What was done:",
		planText(plan),
		"",
		`The world is left in ${folder}; what its processes said is in ${folder}/said.`,
		`Its last round, in a new world: npm run crash -- --seed ${plan.seed} --rounds 1${isPower ? " --power" : ""}`,
	].join("\n");
}

function showProgress(figures: Figures, rounds: number): void {
	const { rounds: done, kills, powerCuts, bought } = figures;
	const line = `${done} of ${rounds} rounds: ${kills} kills, ${powerCuts} power cuts, ${bought} bought`;
	if (stderr.isTTY) stderr.write(`\r${line}${done === rounds ? "\n" : ""}`);
	else if (done % LINE_EVERY === 0) stderr.write(`${line}\n`);
}

/** Answers with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
	const given = new Map<string, string>();
	for (let at = 0; at < args.length; at++) {
		const flag = args[at] as string;
		if (["--json", "--power", "--lying-disks"].includes(flag))
			given.set(flag, "");
		else if (
			["--seed", "--rounds"].includes(flag) &&
			/^[1-9]\d{0,8}$/.test(args[at + 1] ?? "")
		)
			given.set(flag, args[++at] as string);
		else {
			stderr.write(USAGE);
			return 2;
		}
	}
	const rounds = Number(given.get("--rounds") ?? 20);
	const isJson = given.has("--json");
	const isLying = given.has("--lying-disks");
	const hasPower = isLying || given.has("--power");
	let result: CrashResult;
	try {
		result = await crash({
			...{ rounds, hasPower, seed: Number(given.get("--seed") ?? 1) },
			liars: isLying ? MACHINES : [],
			progress(figures) {
				if (!isJson) showProgress(figures, rounds);
			},
		});
	} catch (thrown) {
		if (!(thrown instanceof NoCompiler)) throw thrown;
		stderr.write(`${thrown.message}; install one, or leave --power away\n`);
		return 1;
	}
	const { failure, ...counted } = result;
	if (isJson) {
		const failed = failure && {
			...{ seed: failure.plan.seed, folder: failure.folder },
			why: String(failure.why),
		};
		stdout.write(`${JSON.stringify({ ...counted, failed })}\n`);
	} else {
		stdout.write(`${figuresText(result)}\n`);
		if (failure !== undefined)
			stdout.write(`\n${failureText(failure, hasPower)}\n`);
		if (isLying)
			stdout.write(
				failure === undefined
					? "\nThe disks lied, and nobody found out.\n"
					: `\nThe disks lied, and it was found in round ${counted.figures.rounds + 1}.\n`,
			);
	}
	return (failure === undefined) === isLying ? 1 : 0;
}
