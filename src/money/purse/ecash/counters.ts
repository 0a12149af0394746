import type { Write } from "../../../machine/index.ts";
import { hex } from "../../../wire/index.ts";
import type { Output } from "../../cashu/index.ts";
import type { EcashBook } from "./book.ts";

/** What is written before outputs are shown to anybody: that their counters are used. */
export function countersOf(
	book: EcashBook,
	outputs: readonly Pick<Output, "keyset">[],
): Write[] {
	const keysets = new Map(outputs.map(({ keyset }) => [hex(keyset), keyset]));
	return [...keysets.values()].map((keyset) => book.counted(keyset));
}
