/* npm run bench -- establish|records|lists|signers|payments|deposits|purchases|paid|start|flood|counts [--json] [--rounds N] [--save] [--at-least N] */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { libraryOf, providing } from "../src/provider/index.ts";
import { benchCounts } from "./counts.ts";
import { benchDeposits } from "./deposits.ts";
import { benchEstablish } from "./establish.ts";
import { benchFlood } from "./flood.ts";
import { benchLists } from "./lists.ts";
import { benchPaid } from "./paid.ts";
import { benchPayments } from "./payments.ts";
import { benchPurchases } from "./purchases.ts";
import { benchRecords } from "./records.ts";
import { benchSigners } from "./signers.ts";
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
	counts: benchCounts,
};
const [name = ""] = positionals;
const rounds = Number(values.rounds);
const atLeast = Number(values["at-least"]);
const isWrong = (count: number, least: number) =>
	!Number.isInteger(count) || count < least;
if (!(name in benches) || isWrong(rounds, 1) || isWrong(atLeast, 0)) {
	console.error(
		"usage: npm run bench -- establish|records|lists|signers|payments|deposits|purchases|paid|start|flood|counts [--json] [--rounds N] [--save] [--at-least N]",
	);
	process.exit(2);
}
const { report, lines } = await benches[name as keyof typeof benches]({
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
};
if (values.json) console.log(JSON.stringify({ [name]: report, machine }));
else for (const line of lines) console.log(line);
if (values.save) {
	mkdirSync(new URL("results/", import.meta.url), { recursive: true });
	writeFileSync(
		new URL(`results/${name}.json`, import.meta.url),
		`${JSON.stringify({ [name]: report, machine }, null, "\t")}\n`,
	);
}
process.exit(0);

function commit(): string {
	try {
		return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
			encoding: "utf8",
		}).trim();
	} catch {
		return "unknown";
	}
}
