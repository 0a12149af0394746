/* Rewrites test/vectors/trade: node test/trade/generate-vectors.ts */
import { mkdirSync, writeFileSync } from "node:fs";
import { makePurchaseVectors, PURCHASE_VECTORS } from "./vectors.ts";

mkdirSync(new URL(".", PURCHASE_VECTORS), { recursive: true });
writeFileSync(PURCHASE_VECTORS, await makePurchaseVectors());
