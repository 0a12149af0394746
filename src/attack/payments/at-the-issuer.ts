/* A certified module with an account, and what it asks the issuer for that is not its own. */
import { messages } from "../../money/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import {
	atIssuer,
	newRequest,
	rogueOf,
	takenPayment,
} from "../market/index.ts";

const { WITH_ISSUER } = messages;

export const AT_THE_ISSUER: readonly Attack[] = [
	{
		name: "more-than-the-account-holds",
		group: "payments",
		tried: "A module asked the issuer for more than its account holds.",
		reference: "docs/money.md, With an issuer",
		async run(target, signal) {
			const rogue = await rogueOf(target);
			return atIssuer(rogue, signal, async (issuer) => {
				const balance = await issuer.balance();
				const answer = await issuer.ask(WITH_ISSUER.withdraw, {
					request: newRequest(),
					amount: balance + 1n,
				});
				if (answer[0] !== WITH_ISSUER.declined.type)
					return broken("the issuer made notes of it");
				const { code } = messages.body(WITH_ISSUER.declined, answer);
				return (await issuer.balance()) === balance
					? held(`declined: ${code}`)
					: broken("the account has changed");
			});
		},
	},
	{
		name: "deposit-of-somebody-elses-money",
		group: "payments",
		tried:
			"Whoever had paid the merchant handed that payment in as if it had received it.",
		reference: "docs/money.md, With an issuer",
		async run(target, signal) {
			const rogue = await rogueOf(target);
			const { transfer, notes, chains, terms } = await takenPayment(
				rogue,
				target,
				signal,
			);
			return atIssuer(rogue, signal, async (issuer) => {
				const before = await issuer.balance();
				const answer = await issuer.ask(WITH_ISSUER.deposit, {
					...{ request: newRequest(), transfer, notes, chains, terms },
				});
				const isDeclined = answer[0] === WITH_ISSUER.declined.type;
				if ((await issuer.balance()) !== before)
					return broken("the thief was credited");
				return isDeclined
					? held(
							`declined: ${messages.body(WITH_ISSUER.declined, answer).code}`,
						)
					: broken("the issuer booked it for somebody else than its payee");
			});
		},
	},
];
