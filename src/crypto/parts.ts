/** No bytes. */
export const NOTHING: Uint8Array = new Uint8Array();

/** Up to here, in bytes, copying parts together costs less than handing them over one by one. */
export const FEW_BYTES = 4096;

/** What the parts have together, in bytes. */
export function sizeOf(parts: readonly Uint8Array[]): number {
	let size = 0;
	for (const part of parts) size += part.length;
	return size;
}

/**
 * For one call at a time; wiped after each. What is joined is secret as often as not, and memory
 * from Node's pool would stay in sight of everybody with a small buffer of it.
 */
export const scratch: Uint8Array = new Uint8Array(FEW_BYTES);

/** Calls `use` with the parts one after another; the bytes are lent for the call. */
export function withJoined<Result>(
	parts: readonly Uint8Array[],
	use: (joined: Uint8Array) => Result,
): Result {
	const [only] = parts;
	if (parts.length === 1 && only !== undefined) return use(only);
	const size = sizeOf(parts);
	const all =
		size > scratch.length ? new Uint8Array(size) : scratch.subarray(0, size);
	try {
		join(all, 0, parts);
		return use(all);
	} finally {
		all.fill(0);
	}
}

/** Writes the parts into `out` one after another, from `start` on. */
export function join(
	out: Uint8Array,
	start: number,
	parts: readonly Uint8Array[],
): void {
	let at = start;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
}
