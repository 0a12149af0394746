/* What is said to a mint, in the words of a story. */
import type { Words } from "../support/words.ts";

interface Amount {
	readonly amount: number;
}

/** What a mint is asked for: with the same name it is the same. */
export function saidToMint(body: Uint8Array, words: Words): string {
	if (body.length === 0) return "";
	const said = JSON.parse(new TextDecoder().decode(body)) as {
		readonly inputs?: readonly Amount[];
		readonly outputs?: readonly Amount[];
		readonly Ys?: readonly string[];
	};
	const sums = (what: string, all: readonly Amount[] | undefined) =>
		all === undefined
			? ""
			: ` ${what} ${all.map(({ amount }) => amount).join("+")}`;
	return `${words.of(body)}${sums("of", said.inputs)}${sums("to", said.outputs)}${said.Ys === undefined ? "" : ` about ${said.Ys.length}`}`;
}
