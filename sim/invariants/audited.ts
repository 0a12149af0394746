import type { Transaction } from "../../src/machine/index.ts";
import { Audit } from "../../src/money/index.ts";
import { readSaleTerms } from "../../src/trade/issuer/index.ts";
import type { Disk } from "../disk.ts";
import type { MakeInvariant } from "./invariant.ts";

/** The audit of each issuer's ledger finds nothing, and finds a document of which a bit has changed. */
export const audited: MakeInvariant = (world, fail) => ({
	rested() {
		for (const { name, terms, module } of world.issuers) {
			const { crypto, disk } = module;
			const audit = new Audit(
				crypto,
				terms,
				world.policy.banks,
				readSaleTerms(crypto, world.policy.agencies),
			);
			for (const step of audit.steps) {
				for (const row of disk.scan(step.read)) look(disk, step.check(row));
				look(disk, step.finish());
			}
			const { balanced, problems } = audit.result();
			if (module.disk.rotten > 0) {
				if (balanced)
					fail(`the audit of ${name} finds no bit that has changed`);
			} else if (!balanced)
				fail(`the audit of ${name}: ${problems.join("; ")}`);
		}
	},
});

function look(disk: Disk, transaction: Transaction<void>): void {
	let next = transaction;
	while (next.kind === "read")
		next = next.decide(next.reads.map((read) => disk.read(read)));
}
