/* Ecash of a mint, on the curve itself, held to what every rail does for a purchase. */
import { realEcash } from "../../sim/ecash-crypto.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket } from "./ecash-market.ts";
import { railContract } from "./rail-contract.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

railContract("ecash of a mint", async (sale) => {
	const of = sale === undefined ? {} : { sale };
	return (await EcashMarket.make({ world, ...of }, {}, realEcash())).rail;
});
