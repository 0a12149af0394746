/* Ecash of a mint, held to what every rail does for a purchase. */
import { makeWorld } from "../support/authority.ts";
import { EcashMarket } from "./ecash-market.ts";
import { railContract } from "./rail-contract.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

railContract("ecash of a mint", async (sale) => {
	const ecash = await EcashMarket.make({
		world,
		...(sale === undefined ? {} : { sale }),
	});
	const { market } = ecash;
	return {
		market,
		balance: (module) => ecash.balance(module),
		requireConserved: () => ecash.requireConserved(),
		pass: () => ecash.pass(),
		passDeadline: () => ecash.passDeadline(),
		async spendBefore() {
			ecash.spendBefore(market.ann);
		},
	};
});
