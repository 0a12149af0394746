import { SoftHsm, skipUnless } from "../support/tokens.ts";
import { keyStoreContract } from "./contract.ts";
import { tokenStore } from "./support.ts";

keyStoreContract("SoftHSM", {
	algorithms: ["P-256", "Ed25519"],
	skip: skipUnless("softhsm"),
	make: async () => tokenStore(await SoftHsm.make("contract token")),
});
