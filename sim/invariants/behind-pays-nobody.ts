import type { Row, Write } from "../../src/machine/index.ts";
import { type Head, parseHead, purseTables } from "../../src/money/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import type { MakeInvariant } from "./invariant.ts";

const { BEHIND_NAME, META, PAYMENTS } = purseTables;

/**
 * A purse that is behind pays nobody, and is behind until its owner overrides that very head, or,
 * when it was restored, an issuer is met. What was overridden counts as its own from then on.
 */
export const behindPaysNobody: MakeInvariant = (world, fail) => {
	/** What is wrong with a payment that was written, by its module and contract. */
	const wrong = new Map<string, string>();
	/** Heads that owners have overridden, by the name of the module, and those that were said to be. */
	const said = new Map<string, Set<string>>();
	const overridden = new Set<string>();
	/** What each module is behind, as far as that was written since its disk was what it is. */
	const behind = new Map<string, Head>();
	const behindOrNot = (who: string, write: Write): void => {
		if (write.kind !== "delete") {
			const { name, value } = write.row as Row<typeof META.columns>;
			if (name === BEHIND_NAME) behind.set(who, parseHead(value));
			return;
		}
		const head = behind.get(who);
		if (write.key["name"] !== BEHIND_NAME || head === undefined) return;
		behind.delete(who);
		const isRestored = head.hash.every((byte) => byte === 0);
		if (!isRestored && said.get(who)?.has(headOf(head)) !== true)
			fail(`${who} is not behind any more, and its owner has not said so`);
	};
	for (const { module } of world.sides) {
		const { disk, name: who } = module;
		disk.watchers.push((table, before, after) => {
			if (table.name === PAYMENTS.name && before === undefined && after) {
				const { contract, payee, issuer } = after as {
					readonly [name: string]: Uint8Array;
				} as Record<"contract" | "payee" | "issuer", Uint8Array>;
				// What it exchanges stays its own.
				if (sameBytes(payee, issuer)) return;
				const id = `${who} ${hex(contract)}`;
				if (!disk.rows(META).some(({ name }) => name === BEHIND_NAME))
					wrong.delete(id);
				else
					wrong.set(
						id,
						`${who} is behind, and has paid for ${hex(contract).slice(0, 8)}`,
					);
			}
		});
	}
	return {
		ownerSaid({ module: { name } }, word) {
			if (word.kind !== "override") return;
			said.set(name, (said.get(name) ?? new Set()).add(headOf(word.body)));
		},
		reported({ module, wasRestored }, report) {
			const { name } = module;
			if (report.kind === "overridden" && report.isDone) {
				const head = headOf(report.record);
				if (said.get(name)?.has(head) !== true)
					fail(`${name} overrides what its owner never spoke of`);
				overridden.add(`${name} ${head}`);
			}
			if (report.kind !== "behind" || wasRestored) return;
			const row = module.disk
				.rows(META)
				.find((one) => one.name === BEHIND_NAME);
			const head = row && headOf(parseHead(row.value));
			if (overridden.has(`${name} ${head}`))
				fail(`${name} is behind what its owner has overridden`);
		},
		durable({ name }, writes) {
			for (const write of writes) {
				if (write.table.name === META.name) {
					behindOrNot(name, write);
					continue;
				}
				if (write.kind !== "insert" || write.table.name !== PAYMENTS.name)
					continue;
				const { contract } = write.row;
				const why = wrong.get(`${name} ${hex(contract as Uint8Array)}`);
				if (why !== undefined) fail(why);
			}
		},
	};
};

function headOf({ number, hash }: Head): string {
	return `${number} ${hex(hash)}`;
}
