/* The same attacks on a request that is paid by stock x402 `exact`, and on one that is paid by ours. */
import { run } from "./processes.ts";
import { RunningSandbox } from "./sandbox.ts";
import { STOCK, stockVersions } from "./stock.ts";

/** What came of an attack, as stock/x402/attacks.ts says it. */
interface Outcome {
	/** How often the handler ran. */
	readonly ran: number;
	/** How many prices the buyer has paid. */
	readonly paid: number;
	/** How many answers of the handler the buyer got from its fetch. */
	readonly got: number;
	/** How many requests that carried a payment were answered with what they asked for. */
	readonly served: number;
}

type Outcomes = Readonly<
	Record<"five at once" | "another address" | "answer lost", Outcome>
>;

/** What came of each attack on both, in one run. */
export interface SideBySide {
	readonly exact: Outcomes;
	readonly purchase: Outcomes;
}

/** Each side attacks itself in a process of its own, which compiles a contract and starts a chain or a merchant and a buyer first. */
export async function attackBoth(): Promise<SideBySide> {
	await using sandbox = await RunningSandbox.start();
	const [exact, purchase] = await Promise.all([
		attack("exact-attacks.ts"),
		attack("purchase-attacks.ts", sandbox.folder),
	]);
	return { exact, purchase };
}

async function attack(
	program: string,
	...args: readonly string[]
): Promise<Outcomes> {
	const path = `${STOCK}x402/${program}`;
	const patient = { program: path, patienceMs: 120_000 };
	const { code, stdout, stderr } = await run(args, patient);
	if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
	return JSON.parse(stdout);
}

/** The table of the README. */
export function tableOf({ exact, purchase }: SideBySide): string {
	const times = (count: number) => (count === 1 ? "once" : `${count} times`);
	const row = (
		name: keyof Outcomes,
		what: string,
		say: (outcome: Outcome) => string,
	) => `| ${what} | ${say(exact[name])} | ${say(purchase[name])} |`;
	return [
		`| attack | x402 \`exact\` ${stockVersions()["@x402/express"]} | Tetrad |`,
		"|---|---|---|",
		row(
			"five at once",
			"one payment, sent five times at once",
			({ ran, paid }) => `the handler ran ${times(ran)}, paid ${times(paid)}`,
		),
		row(
			"another address",
			"a payment made for `/a`, sent to `/b`",
			({ served, paid }) =>
				`${served === 0 ? "refused" : "answered"}, ${paid === 0 ? "not paid" : "paid"}`,
		),
		row(
			"answer lost",
			"the answer lost, and asked for again",
			({ paid, got }) => `paid ${times(paid)}, for ${got} answer`,
		),
	].join("\n");
}
