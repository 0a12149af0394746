export { ecashPurse } from "./ecash-purse.ts";
export type { EcashOptions, TrustedMint } from "./parts.ts";
