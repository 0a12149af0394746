import { issuerName, mintOf } from "../../device/process/index.ts";
import type { PurchaseProof } from "../../device/trade/index.ts";
import { unreachable } from "../../errors.ts";
import { nameInDeviceId } from "../../money/index.ts";
import type { Contract } from "../../trade/documents/index.ts";
import { hex } from "../../wire/index.ts";
import { moment, plain, say, sayJson } from "../voice.ts";

/** Tells who sold what to whom for how much, or which chunk of it accuses the merchant. */
export function tellPurchase(
	proof: PurchaseProof,
	json: true | undefined,
): void {
	switch (proof.kind) {
		case "receipt": {
			const { contract, item, accepted } = proof.proved;
			const told = {
				proved: true,
				what: "purchase",
				item: item.name,
				...(item.order === "" ? {} : { order: item.order }),
				...parties(contract),
				accepted: new Date(accepted).toISOString(),
			};
			if (json) return sayJson(told);
			say(
				`proved: ${plain(told.merchant)} sold "${plain(told.item)}" to ${plain(told.buyer)} for ${told.amount} minor units of ${told.currency}`,
			);
			if (item.order !== "") say(`  order     ${plain(item.order)}`);
			say(`  paid      ${moment(accepted)}, to ${plain(told.merchantModule)}`);
			return sayContract(told);
		}
		case "wrong-chunk": {
			const { contract, index } = proof.proved;
			const told = {
				proved: true,
				what: "wrong goods",
				chunk: index,
				...parties(contract),
			};
			if (json) return sayJson(told);
			say(
				`proved: ${plain(told.merchant)} signed for goods whose chunk ${index} does not open to what it signed for`,
			);
			say(`  buyer     ${plain(told.buyer)}`);
			return sayContract(told);
		}
		default:
			return unreachable(proof);
	}
}

function parties(contract: Contract) {
	return {
		merchant: nameInDeviceId(contract.sellerAgent),
		merchantModule: nameInDeviceId(contract.sellerModule),
		buyer: nameInDeviceId(contract.buyerAgent),
		buyerModule: nameInDeviceId(contract.buyerModule),
		amount: String(contract.amount),
		currency: contract.currency,
		issuer: issuerName(contract.issuer, mintOf(contract)?.url),
		made: new Date(contract.made).toISOString(),
		size: String(contract.length),
		plaintextRoot: hex(contract.plaintextRoot),
		contract: hex(contract.hash),
	};
}

function sayContract(told: ReturnType<typeof parties>): void {
	say(`  issuer    ${plain(told.issuer)}`);
	say(`  contract  ${told.contract}`);
	say(`  goods     ${told.size} bytes, hash tree ${told.plaintextRoot}`);
}
