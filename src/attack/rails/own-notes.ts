/* What the rail of own notes promises to both sides of a sale, at the issuer. */
import { messages } from "../../money/index.ts";
import { BETWEEN_AGENTS } from "../../trade/documents/index.ts";
import { dec, enc, signedBytes } from "../../wire/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import {
	altering,
	atIssuer,
	isNotBought,
	newRequest,
	readTransfer,
	rogueOf,
	takenPayment,
} from "../market/index.ts";

const { WITH_ISSUER } = messages;

const NONE = new Uint8Array();

/** Where the rail stands among the fields of a contract (docs/trade.md, Contract), and how many there are at most. */
const RAIL_FIELD = 7;
const MAX_CONTRACT_FIELDS = 32;

export const OWN_NOTES: readonly Attack[] = [
	{
		name: "money-back-after-the-key",
		group: "rails",
		tried:
			"A buyer who had the key already asked the issuer to have its payment back.",
		reference: "docs/money.md, Sales at an issuer",
		async run(target, signal) {
			const rogue = await rogueOf(target);
			const { transfer, notes, chains, terms } = await takenPayment(
				rogue,
				target,
				signal,
			);
			return atIssuer(rogue, signal, async (issuer) => {
				const before = await issuer.balance();
				const answer = await issuer.ask(WITH_ISSUER.resolve, {
					...{ request: newRequest(), transfer, notes, chains, terms },
				});
				if ((await issuer.balance()) !== before)
					return broken("the buyer was credited");
				if (answer[0] !== WITH_ISSUER.outcome.type)
					return broken("the issuer did not say what became of it");
				const { state } = messages.body(WITH_ISSUER.outcome, answer);
				return state === 1
					? held("it was booked for the merchant, and nothing came back")
					: broken("the sale was not booked");
			});
		},
	},
	{
		name: "sale-handed-in-without-its-terms",
		group: "rails",
		tried: "A buyer handed a sale in as if it were a payment without terms.",
		reference: "docs/money.md, Sales",
		async run(target, signal) {
			const rogue = await rogueOf(target);
			const { transfer, notes, chains } = await takenPayment(
				rogue,
				target,
				signal,
			);
			return atIssuer(rogue, signal, async (issuer) => {
				const answer = await issuer.ask(WITH_ISSUER.resolve, {
					...{ request: newRequest(), transfer, notes, chains },
					terms: messages.NO_TERMS,
				});
				return answer[0] === WITH_ISSUER.declined.type
					? held(
							`declined: ${messages.body(WITH_ISSUER.declined, answer).code}`,
						)
					: broken("the issuer took a sale without its terms");
			});
		},
	},
	{
		name: "key-asked-by-a-stranger",
		group: "rails",
		tried:
			"A module that neither paid nor was paid asked the issuer for the key of a sale.",
		reference: "docs/money.md, With an issuer",
		async run(target, signal) {
			const rogue = await rogueOf(target);
			const deliver = await takenPayment(rogue, target, signal);
			const { id: transfer } = readTransfer(deliver);
			const { notes, chains, terms } = deliver;
			const sale = { transfer: deliver.transfer, notes, chains, terms };
			const known = await atIssuer(rogue, signal, async (issuer) => {
				// It is handed in, so that there is something to tell.
				const resolve = { request: newRequest(), ...sale };
				await issuer.ask(WITH_ISSUER.resolve, resolve);
				const inquire = { request: newRequest(), transfer };
				const answer = await issuer.ask(WITH_ISSUER.inquire, inquire);
				return messages.body(WITH_ISSUER.outcome, answer).key !== undefined;
			});
			if (!known) return broken("who paid is not told the key");
			const stranger = await rogueOf(target, "stranger");
			return atIssuer(stranger, signal, async (issuer) => {
				const inquire = { request: newRequest(), transfer };
				const asked = await issuer.ask(WITH_ISSUER.inquire, inquire);
				const { key } = messages.body(WITH_ISSUER.outcome, asked);
				if (key !== undefined) return broken("the stranger was told the key");
				const resolve = { request: newRequest(), ...sale };
				const answer = await issuer.ask(WITH_ISSUER.resolve, resolve);
				return answer[0] === WITH_ISSUER.declined.type
					? held("told as if nobody had handed it in, and declined")
					: broken("the stranger's word on it was taken");
			});
		},
	},
	{
		name: "rail-that-nobody-knows",
		group: "rails",
		tried: "A merchant signed a contract over a rail that there is not.",
		reference: "docs/trade.md, Rails",
		run: (target, signal) =>
			isNotBought(
				target,
				(rogue) => ({
					agent: {
						toAgent: altering(BETWEEN_AGENTS.contract, async (sent) => {
							const [body = NONE] = dec(sent.document, 2);
							const fields = dec(body, MAX_CONTRACT_FIELDS).with(
								RAIL_FIELD,
								Uint8Array.of(2),
							);
							const changed = enc(...fields);
							const content = signedBytes("CO", changed);
							const signature = await rogue.signer.sign(content);
							return { ...sent, document: enc(changed, signature) };
						}),
					},
				}),
				signal,
			),
	},
];
