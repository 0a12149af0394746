import type { PurseCore } from "./purse-core.ts";
import type { PurseWork } from "./purse-work.ts";
import type { SalePart } from "./sale-part.ts";
import type { Witnesses } from "./witnesses.ts";

/** What every part of a purse is made with. */
export interface PurseParts {
	readonly core: PurseCore;
	readonly work: PurseWork;
	readonly witnesses: Witnesses;
	/** Who knows of sales; nothing where nobody does. */
	readonly sale: SalePart | undefined;
}
