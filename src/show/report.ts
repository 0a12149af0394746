import { establishment } from "./draw.ts";
import type { Seen } from "./seen.ts";
import { byPlace } from "./stage/index.ts";

/** The moment at which somebody is killed. */
const WHEN =
	"the buyer's module had committed and the merchant's had accepted, and the answer with the key was not out";

/** What `--json` prints. */
export function report({
	suite,
	keys,
	run,
	frames,
	omitted,
	audits,
	claims,
	money,
	verdict,
	sale,
	delivery,
	receipt,
	books,
	pairingCodes,
}: Seen): object {
	const shown = establishment(frames);
	const start = shown[0]?.at ?? 0;
	const { routing, root, link } = run.options;
	const { killed, ...doubt } = sale.doubt;
	return {
		ok: verdict.ok,
		problems: verdict.problems,
		routing,
		root,
		link,
		suite,
		keys,
		keysAt: byPlace((place) => {
			const { location, token } = run.custody[place];
			return { location, ...(token === undefined ? {} : { token }) };
		}),
		processes: run.pids,
		pairingCodes,
		safetyCodes: verdict.codes,
		delivered: delivery.delivered,
		receiptValid: receipt.valid,
		conserved: books.conserved,
		killed: killed === undefined ? null : { ...killed, when: WHEN },
		purchase: {
			item: sale.item,
			amount: sale.price,
			rail: sale.rail,
			contract: sale.contract,
			processes: sale.pids,
			restarted: sale.restarted,
			doubt,
			steps: sale.steps.map(({ ms, who, what }) => ({
				...{ ms: milliseconds(ms), who, what },
			})),
		},
		file: { sent: delivery.sold, received: delivery.bought },
		receipt: receipt.said,
		currency: money.currency,
		play: money.isPlay,
		balances: { before: books.before, after: books.after },
		audit: books.audit,
		strangers: run.strangers,
		messages: verdict.messages,
		flights: shown.map(({ at, wire, from, to, name, bytes }) => ({
			ms: milliseconds(at - start),
			wire,
			from,
			to,
			name,
			bytes,
		})),
		omitted,
		claims,
		wiretaps: audits,
	};
}

function milliseconds(exact: number): number {
	return Math.round(exact * 1000) / 1000;
}
