import { messages } from "../../money/index.ts";
import { ABOUT_PURCHASES } from "../../trade/documents/index.ts";
import type { Tetrad } from "../runtime/index.ts";

/** How a module is asked for what it sells with now. */
const CURRENT_GENERATION = 0;

const { message } = messages;

/** Has the own module ask for what it sells with when it does its business with that issuer. */
export async function askToSell(
	tetrad: Tetrad,
	issuer: Uint8Array,
): Promise<void> {
	await tetrad.module.send(
		message(ABOUT_PURCHASES.selling, {
			issuer,
			generation: CURRENT_GENERATION,
		}),
	);
}
