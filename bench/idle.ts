import { SoftwareAuthority } from "../src/device/authority/software-authority.ts";
import { identifyAway } from "../test/support/device-market.ts";
import type {
	IdleAnswer,
	IdleQuestion,
	SideAway,
} from "./apart/idle-messages.ts";
import { Apart } from "./apart.ts";
import {
	type BenchOptions,
	type BenchResult,
	median,
	medianRatio,
	round,
} from "./measure.ts";
import { makeIdentities } from "./nested-tls.ts";

/** Connections that are there when memory is first looked at, and those that come then: fewer than a listener takes. */
const HELD = { first: 500, more: 1000 } as const;

/** What one connection more takes, in bytes. */
interface Taken {
	readonly rss: number;
	readonly heap: number;
}

/** What a connection takes at a merchant on which nothing is said: of a tetrad its agent and its module, of nested TLS both sessions. */
export async function benchIdle({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const sides = await makeSides();
	const tls = makeIdentities("P-256");
	const open = (side: SideAway): IdleQuestion => ({ kind: "open-side", side });
	const ours: Taken[] = [];
	const theirs: Taken[] = [];
	for (let i = 0; i < rounds; i++) {
		ours.push(await takenByOne(open(sides.merchant), open(sides.customer)));
		theirs.push(
			await takenByOne(
				{ kind: "open-tls", identities: tls.far },
				{ kind: "open-tls", identities: tls.near },
			),
		);
		tell(
			`round ${i + 1} of ${rounds}: a tetrad ${kb(ours.at(-1)?.rss)} KB, nested TLS ${kb(theirs.at(-1)?.rss)} KB`,
		);
	}
	const of = (taken: readonly Taken[], what: keyof Taken) =>
		taken.map((each) => each[what]);
	const middle = (taken: readonly Taken[]) => ({
		kb: kb(median(of(taken, "rss"))),
		kb_of_javascript: kb(median(of(taken, "heap"))),
	});
	const report = {
		held: HELD.more,
		tetrad: middle(ours),
		nested_tls: middle(theirs),
		vs_nested_tls: round(medianRatio(of(ours, "rss"), of(theirs, "rss"))),
	};
	return {
		report,
		lines: [
			`Memory of a merchant's process for each of ${HELD.more} connections more, on which a byte went there and back and nothing is said any more:`,
			`  a tetrad, agent and module: ${report.tetrad.kb} KB, of which JavaScript has ${report.tetrad.kb_of_javascript}`,
			`  two nested TLS sessions: ${report.nested_tls.kb} KB, of which JavaScript has ${report.nested_tls.kb_of_javascript}: a tetrad takes ${report.vs_nested_tls} of that`,
		],
	};
}

function kb(bytes = Number.NaN): number {
	return round(bytes / 1024, 1);
}

async function makeSides(): Promise<Record<"merchant" | "customer", SideAway>> {
	const agency = await SoftwareAuthority.create("agency", "Agency");
	const bank = await SoftwareAuthority.create("bank", "Bank");
	const side = async (name: string): Promise<SideAway> => ({
		agent: await identifyAway(agency, name),
		module: await identifyAway(bank, name),
		anchors: {
			agency: agency.anchor.certificate.der,
			bank: bank.anchor.certificate.der,
		},
	});
	return { merchant: await side("merchant"), customer: await side("customer") };
}

/** In processes of their own, made for this. */
async function takenByOne(
	openMerchant: IdleQuestion,
	openCustomer: IdleQuestion,
): Promise<Taken> {
	await using merchant = new Apart<IdleQuestion, IdleAnswer>("idle");
	await using customer = new Apart<IdleQuestion, IdleAnswer>("idle");
	await merchant.ask(openMerchant);
	await customer.ask(openCustomer);
	const listening = await merchant.ask({ kind: "listen" });
	if (listening.kind !== "listening") throw new Error("nobody listens");
	const hold = (count: number) =>
		customer.ask({ kind: "hold", port: listening.port, count });
	await hold(HELD.first);
	const before = await memoryOf(merchant);
	await hold(HELD.more);
	const after = await memoryOf(merchant);
	return {
		rss: (after.rss - before.rss) / HELD.more,
		heap: (after.heap - before.heap) / HELD.more,
	};
}

async function memoryOf(
	process: Apart<IdleQuestion, IdleAnswer>,
): Promise<Taken> {
	const said = await process.ask({ kind: "memory" });
	if (said.kind !== "memory") throw new Error("no memory was said");
	return said;
}
