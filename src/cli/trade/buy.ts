import { dirname, resolve } from "node:path";
import { hasPurse } from "../../device/purse/index.ts";
import { balancesIn, type Quote } from "../../device/service/index.ts";
import { requireTarget } from "../../device/trade/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { parseAmount } from "../../money/index.ts";
import { AVOIDED } from "../../trade/agent/index.ts";
import { RAIL_NAMES } from "../../trade/documents/index.ts";
import { askYes } from "../ask-yes.ts";
import { balanceJson, sayBalances } from "../balances.ts";
import { amountText } from "../money.ts";
import { plain, say, sayJson } from "../voice.ts";
import { askAgent, type CallerFlags } from "./caller.ts";
import { writeReceipt } from "./proofs.ts";

export interface BuyFlags extends CallerFlags {
	/** Asked for at the terminal, once the price is known, unless given. */
	readonly max?: string;
	/** Names of rails, with commas between. */
	readonly rail?: string;
	readonly avoid?: string;
	readonly out: string;
	readonly overwrite?: true;
	readonly order?: string;
	readonly wait?: true;
	readonly receipt?: string;
}

export async function buy(
	address: string,
	item: string,
	flags: BuyFlags,
): Promise<void> {
	const { out, overwrite = false, order, wait, receipt, home } = flags;
	const most = flags.max === undefined ? undefined : parseMost(flags.max);
	const rails = namesIn("--rail", flags.rail, RAIL_NAMES);
	const avoid = namesIn("--avoid", flags.avoid, AVOIDED);
	if (most === undefined && (flags.json || !process.stdin.isTTY))
		throw new TetradError(
			"invalid-argument",
			"say --max AMOUNT, what it may cost at most; nobody is there to be asked",
		);
	if (receipt !== undefined)
		await requireTarget({ path: receipt, overwrite: true });
	let bought: string | undefined;
	let isTold = false;
	const to = { path: resolve(out), overwrite };
	await askAgent(
		flags,
		async (agent, how) => {
			const quote = await agent.quote(address, item, {
				...{ order, rails, avoid, currency: most?.currency },
				...how,
			});
			const maximum =
				most === undefined
					? await requireYes(quote, how.signal)
					: requireWithin(quote, most);
			const options = {
				...{ to: to.path, overwrite, waits: wait === true, maximum },
			};
			({ contract: bought } = await agent.buy(quote, { ...options, ...how }));
		},
		{
			before: () => requireTarget(to),
			through: (report) => (event) => {
				if (event.event === "purchase" && event.state !== "waiting")
					isTold = true;
				report(event);
			},
			failed(report) {
				if (!isTold) report({ event: "purchase", state: "not-bought" });
			},
		},
	);
	if (bought === undefined) return;
	const shown = bought.slice(0, 16);
	if (receipt !== undefined)
		await afterBuying(
			"its receipt was not written",
			`; write it with: tetrad receipt ${shown} --home ${home} --out FILE`,
			writeReceipt(home, bought, receipt),
		);
	else if (!flags.json)
		say(`  receipt   tetrad receipt ${shown} --home ${home} --out FILE`);
	await afterBuying(
		"what is left in the purse is not known",
		"",
		showBalance(flags),
	);
}

/** The goods are here whatever fails after that, which says so. */
async function afterBuying(
	failure: string,
	hint: string,
	work: Promise<unknown>,
): Promise<void> {
	try {
		await work;
	} catch (thrown) {
		const { code, message } = asTetradError(thrown);
		throw new TetradError(
			code,
			`it is bought, and ${failure}: ${message}${hint}`,
			{ cause: thrown },
		);
	}
}

/** The names that a flag says. Throws `invalid-argument` for one that is none. */
function namesIn<Name extends string>(
	flag: string,
	said: string | undefined,
	names: readonly Name[],
): readonly Name[] | undefined {
	return said?.split(",").map((part) => {
		const found = names.find((name) => name === part.trim());
		if (found !== undefined) return found;
		throw new TetradError(
			"invalid-argument",
			`${flag} names ${names.join(", ")}, and not "${plain(part.trim())}"`,
		);
	});
}

/** What a purchase may cost, before it is known in which money. */
interface Most {
	readonly amount: string;
	readonly currency: string;
}

function parseMost(text: string): Most {
	const [, amount, currency] = /^([0-9.]+) +([A-Z0-9]{1,8})$/.exec(text) ?? [];
	if (amount === undefined || currency === undefined)
		throw new TetradError(
			"invalid-argument",
			`--max says an amount and its currency, such as "4.20 EUR", and not "${plain(text)}"`,
		);
	return { amount, currency };
}

/** What it may cost. Throws `payment-refused` for what is more than the owner wants to pay, or in other money. */
function requireWithin(quote: Quote, { amount, currency }: Most): bigint {
	if (quote.currency !== currency)
		throw new TetradError(
			"payment-refused",
			`nothing was paid: it costs ${quote.currency}, and --max is in ${currency}`,
		);
	const of = { code: currency, exponent: quote.exponent };
	const maximum = parseAmount(amount, of);
	if (costOf(quote) > maximum)
		throw new TetradError(
			"payment-refused",
			`nothing was paid: it costs ${costText(quote)}, and --max is ${amount}`,
		);
	return maximum;
}

/** With what its mint asks for, as far as that is known. */
function costOf({ amount, fee = 0n }: Quote): bigint {
	return amount + fee;
}

function costText(quote: Quote): string {
	const { amount, currency } = amountText(quote);
	const { fee = 0n } = quote;
	return fee === 0n
		? `${amount} ${currency}`
		: `${amount} ${currency} and a fee of ${amountText({ ...quote, amount: fee }).amount}`;
}

/** What it may cost, which is what it costs. Throws `aborted` unless whoever is at the terminal wants it so. */
async function requireYes(
	quote: Quote,
	signal: AbortSignal,
): Promise<bigint | undefined> {
	const item = plain(quote.item);
	const question = `type yes to buy ${item} for ${costText(quote)}: `;
	if (!(await askYes(question, signal)))
		throw new TetradError("aborted", "nothing was paid: you did not say yes");
	// Where the fee is not known yet, the limits of the module hold it.
	const isKnown = quote.mint === undefined || quote.fee !== undefined;
	return isKnown ? costOf(quote) : undefined;
}

/** Where the module is on this machine, and may be looked at. */
async function showBalance({ purse, module, json }: BuyFlags): Promise<void> {
	const home =
		purse ?? (module.kind === "unix" ? dirname(module.path) : undefined);
	if (home === undefined || !(await hasPurse(home).catch(() => false))) return;
	const balances = await balancesIn(home).catch((thrown: unknown) => {
		if (purse !== undefined) throw thrown;
		return [];
	});
	if (json) sayJson({ event: "balance", balances: balances.map(balanceJson) });
	else if (balances.length > 0) sayBalances(balances);
}
