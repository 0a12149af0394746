/* Which prices a buyer hears of: in the kinds of money that it asked for, and that the own module can be paid with. */
import { TetradError } from "../../errors.ts";
import { copy, hex, sameBytes } from "../../wire/index.ts";
import {
	type HeldMoney,
	type Listing,
	listingSize,
	MAX_PAGE_ITEMS,
	type MintOfPrice,
	PAGE_BYTES,
	type RailName,
	railOfPrice,
} from "../documents/index.ts";

/** Over which a buyer would pay; over notes alone, and in one offer, where it says nothing. */
export type RailsAsked = readonly RailName[] | undefined;

interface PageOffered {
	readonly items: readonly Listing[];
	readonly isLast: boolean;
	/** The last item that was looked at; nothing where none was. */
	readonly last: string | undefined;
}

export class PricesOffered {
	/** What the own module knows, once it has said so. */
	#moneys: readonly HeldMoney[] | undefined;
	/** Issuers whose money is offered and that it does not know: its owner was told. */
	readonly #missing = new Set<string>();
	readonly #missed: (error: TetradError) => void;

	/** `missed` hears once of each kind of money that is offered and that the module does not know. */
	constructor(missed: (error: TetradError) => void) {
		this.#missed = missed;
	}

	/** The own module knows these. */
	held(moneys: readonly HeldMoney[]): void {
		this.#moneys = moneys.map((one) => ({ ...one, issuer: copy(one.issuer) }));
	}

	/** Whether it is known which of these are offered; if not, the own module has to be asked. */
	areSure(listings: readonly Listing[], rails: RailsAsked): boolean {
		return (
			this.#moneys !== undefined ||
			!listings.some(
				(one) => railOfPrice(one) === "cashu" && isWanted(one, rails),
			)
		);
	}

	/** As many of these as fit into a page; what is listed for several kinds of money stays together. */
	page(
		items: readonly Listing[],
		isLast: boolean,
		rails: RailsAsked,
	): PageOffered {
		const page: Listing[] = [];
		let size = 0;
		let count = 0;
		let isWhole = true;
		for (const same of byName(items)) {
			const offered = this.offered(same, rails);
			size += offered.reduce((sum, one) => sum + listingSize(one), 0);
			const isFull =
				page.length + offered.length > MAX_PAGE_ITEMS ||
				(size > PAGE_BYTES && page.length > 0);
			if (isFull) {
				isWhole = false;
				break;
			}
			page.push(...offered);
			count += same.length;
		}
		const last = items[count - 1]?.description.name;
		return { items: page, isLast: isLast && isWhole, last };
	}

	/** What of these a buyer hears of: what it has asked for, and its module can be paid with. */
	offered(listings: readonly Listing[], rails: RailsAsked): readonly Listing[] {
		return listings.filter((one) => isWanted(one, rails) && this.#isTaken(one));
	}

	/** Of notes the module says so when it is asked what it sells with. */
	#isTaken(listing: Listing): boolean {
		if (railOfPrice(listing) === "own-notes") return true;
		const { issuer, currency, money, mint } = listing;
		const known = this.#moneys?.find((one) => sameBytes(one.issuer, issuer));
		const isSame =
			known?.rail === "cashu" &&
			known.currency === currency &&
			known.money.exponent === money.exponent &&
			known.money.isPlay === money.isPlay;
		if (isSame) return true;
		const name = hex(issuer);
		if (!this.#missing.has(name)) this.#missed(notNamed(mint, known));
		this.#missing.add(name);
		return false;
	}
}

/** Whether a buyer has asked for prices in that money. */
function isWanted(listing: Listing, rails: RailsAsked): boolean {
	return (rails ?? NOTES).includes(railOfPrice(listing));
}

/** What a program asks for that names no rails. */
const NOTES: readonly RailName[] = ["own-notes"];

/** What is listed once for each kind of money stands together. */
function byName(items: readonly Listing[]): Listing[][] {
	const groups: Listing[][] = [];
	for (const item of items) {
		const group = groups.at(-1);
		if (group?.[0]?.description.name === item.description.name)
			group.push(item);
		else groups.push([item]);
	}
	return groups;
}

function nameOfMoney({ mint, currency }: Listing): string {
	return mint === undefined
		? `${currency} in notes`
		: `${mint.unit} of ${mint.url}`;
}

/** For the buyer, whose program may not have asked for what there is. */
export function otherMoney(listings: readonly Listing[]): TetradError {
	const names = listings.map(nameOfMoney).join(", or for ");
	return new TetradError(
		"payment-refused",
		`this is not sold for the money that was asked for; it is priced for ${names}`,
	);
}

/** For the merchant. */
function notNamed(
	mint: MintOfPrice | undefined,
	known: HeldMoney | undefined,
): TetradError {
	const { unit = "", url = "" } = mint ?? {};
	return new TetradError(
		"payment-refused",
		known === undefined
			? `nothing is offered for ${unit} of ${url}: the module does not know that mint; its owner would have to name it in purse.json`
			: `nothing is offered for ${unit} of ${url}: the module takes another unit of that mint, or other money as play money; the shop has to say the same as purse.json`,
	);
}
