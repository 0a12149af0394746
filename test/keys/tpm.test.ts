import { SoftwareTpm, skipUnless } from "../support/tokens.ts";
import { keyStoreContract } from "./contract.ts";
import { tokenStore } from "./support.ts";

keyStoreContract("TPM", {
	algorithms: ["P-256"],
	skip: skipUnless("tpm"),
	make: async () => tokenStore(await SoftwareTpm.make()),
});
