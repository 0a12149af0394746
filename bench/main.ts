/*
 * npm run bench -- NAME [--json] [--rounds N] [--save] [--at-least N]
 *
 * Without a name it says which there are. `reach` measures nothing: it says what was to be reached, and
 * what of that was when it was last measured. `all` measures everything, one bench after the other, each in a process of its own, and ends with that.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { libraryOf, providing } from "../src/provider/index.ts";
import { benchAgents } from "./agents.ts";
import { benchCounts } from "./counts.ts";
import { benchDeposits } from "./deposits.ts";
import { drawReach } from "./draw-reach.ts";
import { benchEstablish } from "./establish.ts";
import { benchFlood } from "./flood.ts";
import { benchHeap } from "./heap.ts";
import { benchIdle } from "./idle.ts";
import { benchLists } from "./lists.ts";
import { benchModules } from "./modules.ts";
import { benchPaid } from "./paid.ts";
import { benchPayments } from "./payments.ts";
import { benchPeers } from "./peers.ts";
import { benchPurchases } from "./purchases.ts";
import { keptResult, reachLines, reachRows } from "./reach.ts";
import { benchRecords } from "./records.ts";
import { benchScale } from "./scale.ts";
import { benchSigners } from "./signers.ts";
import { renewed } from "./speed-page.ts";
import { benchStart } from "./start.ts";

const { positionals, values } = parseArgs({
	allowPositionals: true,
	options: {
		json: { type: "boolean", default: false },
		save: { type: "boolean", default: false },
		rounds: { type: "string", default: "15" },
		"at-least": { type: "string", default: "0" },
	},
});
const benches = {
	establish: benchEstablish,
	records: benchRecords,
	lists: benchLists,
	signers: benchSigners,
	payments: benchPayments,
	deposits: benchDeposits,
	purchases: benchPurchases,
	paid: benchPaid,
	start: benchStart,
	flood: benchFlood,
	agents: benchAgents,
	modules: benchModules,
	idle: benchIdle,
	peers: benchPeers,
	heap: benchHeap,
	scale: benchScale,
	counts: benchCounts,
};
const [name = ""] = positionals;
const rounds = Number(values.rounds);
const atLeast = Number(values["at-least"]);
const isWrong = (count: number, least: number) =>
	!Number.isInteger(count) || count < least;
const isBench = (word: string): word is keyof typeof benches => word in benches;
if (isWrong(rounds, 1) || isWrong(atLeast, 0)) refuse();
else if (name === "reach") tellReach();
else if (name === "all") runAll();
else if (isBench(name)) await run(name);
else refuse();
process.exit();

function refuse(): void {
	console.error(
		`usage: npm run bench -- ${Object.keys(benches).join("|")}|reach|all [--json] [--rounds N] [--save] [--at-least N]`,
	);
	process.exitCode = 2;
}

async function run(bench: keyof typeof benches): Promise<void> {
	const before = loadNow();
	const { report, lines } = await benches[bench]({
		rounds,
		atLeast,
		tell: (line) => {
			if (!values.json) console.error(line);
		},
	});
	const machine = {
		cpu: cpus()[0]?.model ?? "unknown",
		cores: cpus().length,
		node: process.version,
		openssl: process.versions.openssl,
		crypto: libraryOf(providing()),
		commit: commit(),
		date: new Date().toISOString().slice(0, 10),
		rounds,
		// Beside what else it was done, by which times are longer than they would be alone.
		load: `${before} to ${loadNow()}`,
	};
	if (values.json) console.log(JSON.stringify({ [bench]: report, machine }));
	else for (const line of lines) console.log(line);
	if (!values.save) return;
	mkdirSync(new URL("results/", import.meta.url), { recursive: true });
	writeFileSync(
		new URL(`results/${bench}.json`, import.meta.url),
		`${JSON.stringify({ [bench]: report, machine }, null, "\t")}\n`,
	);
	saveDocuments();
}

function tellReach(): void {
	const rows = reachRows();
	if (values.json) console.log(JSON.stringify({ reach: rows }));
	else for (const line of reachLines(rows)) console.log(line);
	if (values.save) saveDocuments();
}

/** Ends with what was reached of all that is kept, those that were just measured among it where they are saved. */
function runAll(): void {
	const own = fileURLToPath(import.meta.url);
	const options = process.argv.slice(2).filter((word) => word !== "all");
	for (const bench of Object.keys(benches)) {
		const { status } = spawnSync(process.execPath, [own, bench, ...options], {
			stdio: "inherit",
		});
		if (status !== 0) process.exitCode = 1;
	}
	tellReach();
}

/** What documents say of what is kept. */
function saveDocuments(): void {
	const docs = new URL("../docs/", import.meta.url);
	writeFileSync(new URL("speed.svg", docs), drawReach(reachRows()));
	const page = new URL("speed.md", docs);
	writeFileSync(page, renewed(readFileSync(page, "utf8"), keptResult));
}

/** The average of a minute of what wants to run, all processes of the machine together. */
function loadNow(): number {
	return Math.round((loadavg()[0] ?? Number.NaN) * 10) / 10;
}

function commit(): string {
	try {
		return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
			encoding: "utf8",
		}).trim();
	} catch {
		return "unknown";
	}
}
