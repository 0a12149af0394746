export { atIssuer, newRequest, takenPayment } from "./at-issuer.ts";
export {
	cheapOffer,
	type Deliver,
	isRefused,
	outcomeOf,
	type PaymentAltered,
	type Prepare,
	pays,
	paysHonestly,
	readTransfer,
} from "./paying.ts";
export { type Behaviour, Rogue, rogueOf } from "./rogue.ts";
export {
	buysPamphlet,
	contracting,
	isNotBought,
	withRogueShop,
} from "./selling.ts";
export {
	type Alter,
	altering,
	both,
	hearing,
} from "./tampering.ts";
