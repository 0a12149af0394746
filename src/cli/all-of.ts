/** All of a list, in its order: a table is as wide as its widest row. */
export async function allOf<Of>(list: AsyncIterable<Of>): Promise<Of[]> {
	const all: Of[] = [];
	for await (const one of list) all.push(one);
	return all;
}
