/** How much of a request is shown in a table, in characters. */
const MAX_SHOWN = 60;

/** What a request is bought as, and the end of its text (docs/paid.md). */
const REQUEST_ITEM = / (sealed|prepaid) \d+ [0-9a-f]{32}$/;
const BODY_HASH = / sha256:[0-9a-f]{64}$/;

/** What was bought, as a person knows it: of a request that was paid, what was asked for. */
export function shownItem({
	item,
	order,
}: {
	readonly item: string;
	readonly order?: string | undefined;
}): string {
	if (order === undefined || !REQUEST_ITEM.test(item)) return item;
	const asked = order.replace(BODY_HASH, "");
	return asked.length <= MAX_SHOWN ? asked : `${asked.slice(0, MAX_SHOWN)}…`;
}
