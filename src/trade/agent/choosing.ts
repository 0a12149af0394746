/* Which of several offers of one item is taken: what the owner prefers, of what the own module knows. */
import { TetradError } from "../../errors.ts";
import { sameBytes } from "../../wire/index.ts";
import {
	type AskedPrice,
	type HeldMoney,
	type Offer,
	type RailName,
	type RailPromises,
	railOfPrice,
	railPromises,
} from "../documents/index.ts";

/** What an owner may not want of the money that is paid with: a risk of the buyer's, somebody who sees it, or that somebody else has to be in reach. */
export type Avoided =
	| RailPromises["buyerRisks"][number]
	| "seen-by-issuer"
	| "seen-by-everybody"
	| "online";

/** All of them. */
export const AVOIDED: readonly Avoided[] = [
	"waits-for-issuer",
	"locked-to-deadline",
	"key-forgotten",
	"issuer-corrupt",
	"seen-by-issuer",
	"seen-by-everybody",
	"online",
];

/** How a buyer wants to pay. */
export interface PayingWith {
	/** Rails that may be paid over, the preferred one first. */
	readonly rails: readonly RailName[];
	/** What must not be promised of one; nothing unless given. */
	readonly avoid?: readonly Avoided[] | undefined;
	/** The code of the currency that it has to be in; any unless given. */
	readonly currency?: string | undefined;
}

/** Whether the promises of a rail are such that an owner does not want it. */
export function isAvoided(
	{ buyerRisks, seenBy, isOffline }: RailPromises,
	avoid: readonly Avoided[],
): boolean {
	return avoid.some((one) => {
		switch (one) {
			case "seen-by-issuer":
				return seenBy === "issuer" || seenBy === "everybody";
			case "seen-by-everybody":
				return seenBy === "everybody";
			case "online":
				return !isOffline;
			default:
				return buyerRisks.includes(one);
		}
	});
}

/**
 * The offer to take: over the rail that its buyer prefers, in the money that the owner of its module
 * has named first, and one that there is enough money for, where there is one. What the module holds
 * is not known where it was not asked, which it need not be for notes alone: it judges what it pays
 * for anyway. Throws `payment-refused`, with what would have to be done, for offers of which none
 * can be taken.
 */
export function chooseOffer(
	offers: readonly Offer[],
	moneys: readonly HeldMoney[] | undefined,
	{ rails, avoid = [], currency }: PayingWith,
): Offer {
	const wanted = offers.filter((offer) => {
		const rail = railOfPrice(offer);
		return (
			rails.includes(rail) &&
			!isAvoided(railPromises(rail), avoid) &&
			(currency === undefined || currency === offer.currency)
		);
	});
	if (wanted.length === 0) throw unwanted(offers, currency);
	if (moneys === undefined) {
		const [first] = wanted;
		if (first !== undefined) return first;
	}
	const payable = wanted.flatMap((offer) => {
		const place = (moneys ?? []).findIndex((held) => isOf(held, offer));
		const held = moneys?.[place];
		if (held === undefined) return [];
		const cost = offer.amount + (held.fee ?? 0n);
		return [{ offer, place, isEnough: held.spendable >= cost }];
	});
	const [first] = payable.toSorted(
		(a, b) =>
			Number(b.isEnough) - Number(a.isEnough) ||
			rails.indexOf(railOfPrice(a.offer)) -
				rails.indexOf(railOfPrice(b.offer)) ||
			a.place - b.place,
	);
	if (first === undefined) throw unknownMoney(wanted, moneys ?? []);
	return first.offer;
}

/** What the mint of an offer asks for beside its price: nothing for notes, and `undefined` where the module does not know. */
export function feeBeside(
	offer: Offer,
	moneys: readonly HeldMoney[] | undefined,
): bigint | undefined {
	if (offer.mint === undefined) return 0n;
	return moneys?.find((held) => isOf(held, offer))?.fee;
}

/** What is asked of the own module to choose among offers: those in ecash cost more than their price. */
export function pricesOf(offers: readonly Offer[]): readonly AskedPrice[] {
	return offers
		.filter(({ mint }) => mint !== undefined)
		.map(({ issuer, amount }) => ({ issuer, amount }));
}

/** Whether it is the same money, with the same decimals, and as play money or not. */
function isOf(held: HeldMoney, offer: Offer): boolean {
	return (
		isNamed(held, offer) &&
		held.money.exponent === offer.money.exponent &&
		held.money.isPlay === offer.money.isPlay
	);
}

function isNamed(held: HeldMoney, offer: Offer): boolean {
	return (
		sameBytes(held.issuer, offer.issuer) &&
		held.currency === offer.currency &&
		held.rail === railOfPrice(offer)
	);
}

/** Money as its owner knows it. */
function moneyName({
	mint,
	currency,
}: Pick<Offer, "mint" | "currency">): string {
	return mint === undefined
		? `${currency} in notes`
		: `${mint.unit} of the mint ${mint.url}`;
}

function namesOf(offers: readonly Offer[]): string {
	return offers.map(moneyName).join(", or ");
}

function unwanted(
	offers: readonly Offer[],
	currency: string | undefined,
): TetradError {
	const codes = new Set(offers.map((offer) => offer.currency));
	return new TetradError(
		"payment-refused",
		currency !== undefined && !codes.has(currency)
			? `nothing was paid: it costs ${[...codes].join(" or ")}, and what it may cost is in ${currency}`
			: `nothing was paid: it is sold for ${namesOf(offers)}, and you do not want to pay so; say otherwise with --rail and --max, or in tetrad.toml`,
	);
}

function unknownMoney(
	offers: readonly Offer[],
	moneys: readonly HeldMoney[],
): TetradError {
	const isOtherKind = offers.some((offer) =>
		moneys.some((held) => isNamed(held, offer)),
	);
	return new TetradError(
		"payment-refused",
		isOtherKind
			? `nothing was paid: it is sold for ${namesOf(offers)}, and the merchant says other decimals of it than your module, or that it is play money where your module says that it is none, or the other way`
			: `nothing was paid: it is sold for ${namesOf(offers)}, and your module was told of none of these; its owner would have to name it in purse.json`,
	);
}
