/* The purchase of a demonstration in a few lines, for who reads nothing else. Each line says what was seen, whatever it was. */
import { bad, bold, count, good, plain } from "../cli/index.ts";
import { unreachable } from "../errors.ts";
import type { Seen } from "./seen.ts";
import { NAMES } from "./stage/index.ts";

/** Who bought what, what nobody could read, what a stranger's module could not do, and what happened when one was killed. */
export function story(seen: Seen): string[] {
	const { sale } = seen;
	const title = `${NAMES.A} bought ${plain(sale.item)} from ${NAMES.B} for ${sale.price} ${sale.currency}`;
	return [
		`\n${bold(title)}`,
		...line("who paid", paidLine(seen)),
		...line("who read it", readLine(seen)),
		...line("strangers", strangersLine(seen)),
		...line("a crash", crashLine(seen)),
		...line("at the end", endLine(seen)),
	];
}

/** A sentence, and whether it is as it should be. */
interface Said {
	readonly text: string;
	readonly isGood: boolean;
}

function line(label: string, { text, isGood }: Said): string[] {
	return [
		`  ${isGood ? good("✔") : bad("✘")} ${label.padEnd(12)} ${isGood ? text : bad(text)}`,
	];
}

function paidLine({ sale, books }: Seen): Said {
	const { before, after, conserved } = books;
	const where =
		sale.rail === "cashu"
			? `ecash in the purse of ${NAMES.Y}`
			: `in the account of ${NAMES.B}`;
	return {
		text: `their agents talked and held no money; ${NAMES.X} paid ${NAMES.Y}: ${before.purses.X} before, ${after.purses.X} after, ${sale.price} ${where}`,
		isGood: conserved,
	};
}

function readLine({ audits, run }: Seen): Said {
	const bytes = audits.reduce((sum, audit) => sum + audit.bytes, 0);
	const secrets = audits[0]?.secrets ?? 0;
	const plaintexts = audits[0]?.plaintexts ?? 0;
	const found = audits.flatMap((audit) => audit.found);
	const looked = `${count(bytes)} bytes were tapped on three wires and searched for ${plaintexts} plaintexts and ${secrets} secrets`;
	// Open links are asked for, and then they are read.
	const isGood = found.length === 0 || run.options.link === "open";
	return {
		text: `${looked}: ${found.length === 0 ? "none is in them" : `${found.length} can be read, the first is ${found[0]?.name}`}`,
		isGood,
	};
}

function strangersLine({ run }: Seen): Said {
	const taken = run.strangers.filter(({ refused }) => refused === undefined);
	const agents = run.strangers.map(({ place }) =>
		place === "X" ? NAMES.A : NAMES.B,
	);
	return taken.length === 0
		? {
				text: `another module of the same bank could not stand behind the agent of ${agents.join(" or ")}: each knows the module that it was paired with`,
				isGood: run.strangers.length > 0,
			}
		: {
				text: `another module of the same bank was taken in the place of ${taken.map(({ place }) => NAMES[place]).join(" and ")}`,
				isGood: false,
			};
}

function crashLine({ sale, delivery, books }: Seen): Said {
	const isGood = delivery.delivered && books.conserved;
	const { killed } = sale.doubt;
	const ending = isGood
		? "nothing was paid twice, and the file opened"
		: "and it did not come to a good end";
	if (killed === undefined)
		return { text: "nobody was killed (--kill module kills one)", isGood };
	const when = "when the money was out and the key to the file was not";
	switch (killed.what) {
		case "module":
			return {
				text: `${NAMES.Y} was killed ${when}; it started again, ${ending}`,
				isGood,
			};
		case "agent":
			return {
				text: `${NAMES.A}'s agent was killed ${when}; another one asked ${NAMES.X}, ${ending}`,
				isGood,
			};
		case "issuer":
			return {
				text: `the ${sale.rail === "cashu" ? "mint" : "issuer"} was killed ${when}, and nobody needed it any more; ${ending}`,
				isGood,
			};
		default:
			return unreachable(killed.what);
	}
}

function endLine({ delivery, receipt, books }: Seen): Said {
	const parts = [
		delivery.delivered
			? "the file is the one that was sold"
			: "the file is not the one that was sold",
		receipt.valid
			? "the receipt proves it to anybody"
			: "the receipt proves nothing",
		books.conserved
			? `all books balance to the unit (${books.after.sum})`
			: "the books do not balance",
	];
	return {
		text: parts.join(", "),
		isGood: delivery.delivered && receipt.valid && books.conserved,
	};
}
