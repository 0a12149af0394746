import { keyStoreContract } from "./contract.ts";
import { sealedStore } from "./support.ts";

keyStoreContract("software", {
	algorithms: ["P-256", "Ed25519"],
	make: sealedStore,
});
