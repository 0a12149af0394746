/* All invariants by name, and how a world lets them look at what happens. */
import type { World } from "../world.ts";
import { agreement } from "./agreement.ts";
import { approvalsKept } from "./approvals-kept.ts";
import { audited } from "./audited.ts";
import { behindKept } from "./behind-kept.ts";
import { behindPaysNobody } from "./behind-pays-nobody.ts";
import { believed } from "./believed.ts";
import { canaries } from "./canaries.ts";
import { clockForward } from "./clock-forward.ts";
import { conserved } from "./conserved.ts";
import { durableFirst } from "./durable-first.ts";
import { ecashCoins } from "./ecash-coins.ts";
import { ecashEnds } from "./ecash-ends.ts";
import { ecashKeys } from "./ecash-keys.ts";
import { ecashOrders } from "./ecash-orders.ts";
import { ecashReference } from "./ecash-reference.ts";
import { ecashRequests } from "./ecash-requests.ts";
import { goodsForMoney } from "./goods-for-money.ts";
import type { Invariant, MakeInvariant } from "./invariant.ts";
import { limitsKept } from "./limits-kept.ts";
import { listsKept } from "./lists-kept.ts";
import { madeOnce } from "./made-once.ts";
import { nobodyAccused } from "./nobody-accused.ts";
import { nonceOnce } from "./nonce-once.ts";
import { oneEffect } from "./one-effect.ts";
import { queues } from "./queues.ts";
import { reference } from "./reference.ts";
import { refundsKept } from "./refunds-kept.ts";
import { settled } from "./settled.ts";
import { signatures } from "./signatures.ts";
import { spentOnce } from "./spent-once.ts";
import { toldTruth } from "./told-truth.ts";
import { witnessFirst } from "./witness-first.ts";

export { notRecalled } from "./goods-for-money.ts";
export { needsPerson } from "./needs-person.ts";
export { whatIsForgotten, whatIsLocked, whatIsOpen } from "./settled.ts";

const INVARIANTS: Readonly<Record<string, MakeInvariant>> = {
	"value is conserved": conserved,
	"no range is spent twice": spentOnce,
	"what is said is durable": durableFirst,
	"what is told is true": toldTruth,
	"one id has one effect": oneEffect,
	"the four agree": agreement,
	"the witness knows first": witnessFirst,
	"being behind is kept": behindKept,
	"who is behind pays nobody": behindPaysNobody,
	"limits are kept": limitsKept,
	"the owner's word counts": approvalsKept,
	"what is ordered is made once": madeOnce,
	"what is given back was paid": refundsKept,
	"lists are kept": listsKept,
	"nobody honest is accused": nobodyAccused,
	"no lie is believed": believed,
	"time does not go back": clockForward,
	"signatures say what they are for": signatures,
	"secrets stay secret": canaries,
	"no nonce is used twice": nonceOnce,
	"queues stay within their limits": queues,
	"the audit balances": audited,
	"everything comes to rest": settled,
	"goods for money": goodsForMoney,
	"equal to the reference ledger": reference,
	"ecash is somebody's, once": ecashCoins,
	"mints are asked what is durable": ecashRequests,
	"keys and counters are used once": ecashKeys,
	"a lock ends one way": ecashEnds,
	"an owner's order is done once": ecashOrders,
	"ecash is equal to the reference ledger": ecashReference,
};

export const INVARIANT_NAMES: readonly string[] = Object.keys(INVARIANTS);

type Hooks = Required<Invariant>;

/** All invariants of one world as one. */
export interface Checks extends Hooks {}

export function makeChecks(world: World): Checks {
	const all = Object.entries(INVARIANTS).map(([name, make]) =>
		make(world, (what) => world.fail(name, what)),
	);
	let hasChanged = false;
	/** What an invariant throws is no machine's fault, and must not look like it. */
	const to = <Name extends keyof Hooks>(name: Name) =>
		all.flatMap((one): ((...given: Parameters<Hooks[Name]>) => void)[] => {
			const hook = one[name] as
				| ((...given: Parameters<Hooks[Name]>) => void)
				| undefined;
			if (hook === undefined) return [];
			return [
				(...given) => {
					try {
						hook(...given);
					} catch (thrown) {
						world.fail(
							"invariants can be checked",
							String((thrown as Error).stack),
						);
					}
				},
			];
		});
	const hooks = {
		credited: to("credited"),
		durable: to("durable"),
		said: to("said"),
		taken: to("taken"),
		signed: to("signed"),
		clockBelieved: to("clockBelieved"),
		sent: to("sent"),
		sealed: to("sealed"),
		confirmed: to("confirmed"),
		reported: to("reported"),
		issuerReported: to("issuerReported"),
		ownerSaid: to("ownerSaid"),
		made: to("made"),
		heard: to("heard"),
		asked: to("asked"),
		mintKept: to("mintKept"),
		minted: to("minted"),
		stepped: to("stepped"),
		rested: to("rested"),
	};
	return {
		credited: (...given) =>
			hooks.credited.forEach((hook) => void hook(...given)),
		durable(...given) {
			hasChanged = true;
			for (const hook of hooks.durable) hook(...given);
		},
		said: (...given) => hooks.said.forEach((hook) => void hook(...given)),
		taken: (...given) => hooks.taken.forEach((hook) => void hook(...given)),
		clockBelieved: (...given) =>
			hooks.clockBelieved.forEach((hook) => void hook(...given)),
		signed: (...given) => hooks.signed.forEach((hook) => void hook(...given)),
		sent: (...given) => hooks.sent.forEach((hook) => void hook(...given)),
		sealed: (...given) => hooks.sealed.forEach((hook) => void hook(...given)),
		confirmed: (...given) =>
			hooks.confirmed.forEach((hook) => void hook(...given)),
		reported: (...given) =>
			hooks.reported.forEach((hook) => void hook(...given)),
		issuerReported: (...given) =>
			hooks.issuerReported.forEach((hook) => void hook(...given)),
		ownerSaid: (...given) =>
			hooks.ownerSaid.forEach((hook) => void hook(...given)),
		made: (...given) => hooks.made.forEach((hook) => void hook(...given)),
		heard: (...given) => hooks.heard.forEach((hook) => void hook(...given)),
		asked: (...given) => hooks.asked.forEach((hook) => void hook(...given)),
		mintKept(...given) {
			hasChanged = true;
			for (const hook of hooks.mintKept) hook(...given);
		},
		minted: (...given) => hooks.minted.forEach((hook) => void hook(...given)),
		stepped() {
			if (!hasChanged) return;
			hasChanged = false;
			for (const hook of hooks.stepped) hook();
		},
		rested() {
			for (const hook of hooks.rested) hook();
		},
	};
}
