/* How an input is made of those of a corpus: fast-check draws the changes, and shrinks them. */
import fc from "fast-check";

/** Octets that decoders look at. */
const EDGES = [
	0, 1, 2, 3, 4, 5, 6, 0x0a, 0x22, 0x30, 0x31, 0x5c, 0x7b, 0x7f, 0x80, 0x81,
	0x82, 0x83, 0xa0, 0xc0, 0xff,
];
/** Lengths and counts that decoders look at. */
const WORDS = [0, 1, 2, 3, 31, 32, 33, 64, 255, 256, 65_535, 2 ** 31, 2 ** 32];

/** More is no input of any decoder. */
const MOST_BYTES = 2 ** 20;

const octet = fc.oneof(fc.constantFrom(...EDGES), fc.nat({ max: 255 }));
const octets = fc.oneof(
	fc.array(octet, { maxLength: 6 }),
	fc.uint8Array({ maxLength: 40 }).map((bytes) => [...bytes]),
);

/** One change of some bytes. */
type Edit =
	| {
			readonly kind: "splice";
			readonly at: number;
			readonly drop: number;
			readonly insert: readonly number[];
			readonly repeat: number;
	  }
	| { readonly kind: "flip"; readonly at: number; readonly bit: number }
	| { readonly kind: "cut"; readonly at: number }
	/** A word of four bytes becomes another one. */
	| { readonly kind: "word"; readonly at: number; readonly word: number }
	/** A field, or one within a field, has other content, and all lengths fit. */
	| {
			readonly kind: "field";
			readonly nth: number;
			readonly how: "drop" | "twice" | "replace" | "empty";
			readonly bytes: readonly number[];
	  }
	/** A piece of another input stands there. */
	| {
			readonly kind: "cross";
			readonly other: number;
			readonly from: number;
			readonly length: number;
			readonly at: number;
	  }
	| { readonly kind: "token"; readonly token: number; readonly at: number };

const edit: fc.Arbitrary<Edit> = fc.oneof(
	fc.record({
		kind: fc.constant("splice" as const),
		at: fc.nat(),
		drop: fc.oneof(fc.constant(1), fc.nat({ max: 40 })),
		insert: octets,
		repeat: fc.oneof(fc.constant(0), fc.nat({ max: 60 })),
	}),
	fc.record({
		kind: fc.constant("flip" as const),
		at: fc.nat(),
		bit: fc.nat({ max: 7 }),
	}),
	fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
	fc.record({
		kind: fc.constant("word" as const),
		at: fc.nat(),
		word: fc.constantFrom(...WORDS),
	}),
	fc.record({
		kind: fc.constant("field" as const),
		nth: fc.nat({ max: 200 }),
		how: fc.constantFrom("drop", "twice", "replace", "empty"),
		bytes: octets,
	}),
	fc.record({
		kind: fc.constant("cross" as const),
		other: fc.nat(),
		from: fc.nat(),
		length: fc.nat({ max: 200 }),
		at: fc.nat(),
	}),
	fc.record({
		kind: fc.constant("token" as const),
		token: fc.nat(),
		at: fc.nat(),
	}),
);

/** A field of `enc`: where its length stands, where it ends, and in which fields it is. */
interface Place {
	readonly start: number;
	readonly end: number;
	readonly within: readonly number[];
}

/** All fields, and those in them, from a place on at which a whole number of them begins. */
function fieldsOf(
	bytes: Uint8Array,
	from: number,
	to: number,
	within: readonly number[],
	found: Place[],
): void {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const here: Place[] = [];
	for (let at = from; at < to; ) {
		if (to - at < 4) return;
		const end = at + 4 + view.getUint32(at);
		if (end > to) return;
		here.push({ start: at, end, within });
		at = end;
	}
	for (const place of here) {
		if (found.length >= 256) return;
		found.push(place);
		fieldsOf(
			bytes,
			place.start + 4,
			place.end,
			[...within, place.start],
			found,
		);
	}
}

function withField(
	bytes: Uint8Array,
	nth: number,
	change: (field: Uint8Array) => Uint8Array,
): Uint8Array {
	const found: Place[] = [];
	fieldsOf(bytes, 0, bytes.length, [], found);
	// Behind one byte that says which message it is.
	if (found.length === 0) fieldsOf(bytes, 1, bytes.length, [], found);
	const place = found[nth % found.length];
	if (place === undefined) return bytes;
	const changed = change(bytes.subarray(place.start, place.end));
	const out = Buffer.concat([
		bytes.subarray(0, place.start),
		changed,
		bytes.subarray(place.end),
	]);
	const longer = changed.length - (place.end - place.start);
	for (const at of place.within)
		out.writeUInt32BE(out.readUInt32BE(at) + longer, at);
	return new Uint8Array(out);
}

function applied(
	bytes: Uint8Array,
	change: Edit,
	corpus: readonly Uint8Array[],
	tokens: readonly Uint8Array[],
): Uint8Array {
	const place = (at: number) => at % (bytes.length + 1);
	const spliced = (at: number, drop: number, insert: Uint8Array) =>
		new Uint8Array(
			Buffer.concat([
				bytes.subarray(0, at),
				insert,
				bytes.subarray(Math.min(bytes.length, at + drop)),
			]),
		);
	switch (change.kind) {
		case "splice": {
			const at = place(change.at);
			const again = bytes.subarray(at, at + change.repeat);
			return spliced(
				at,
				change.drop,
				Uint8Array.from([...change.insert, ...again]),
			);
		}
		case "flip": {
			const out = Uint8Array.from(bytes);
			const at = change.at % Math.max(1, out.length);
			if (out.length > 0) out[at] = (out[at] ?? 0) ^ (1 << change.bit);
			return out;
		}
		case "cut":
			return bytes.slice(0, place(change.at));
		case "word": {
			const out = Uint8Array.from(bytes);
			if (out.length >= 4)
				new DataView(out.buffer).setUint32(
					change.at % (out.length - 3),
					change.word,
				);
			return out;
		}
		case "field":
			return withField(bytes, change.nth, (field) => {
				switch (change.how) {
					case "drop":
						return new Uint8Array();
					case "twice":
						return Uint8Array.from([...field, ...field]);
					case "empty":
						return new Uint8Array(4);
					case "replace": {
						const { length } = change.bytes;
						return Uint8Array.from([0, 0, 0, length, ...change.bytes]);
					}
				}
			});
		case "cross": {
			const other = corpus[change.other % Math.max(1, corpus.length)] ?? bytes;
			const from = change.from % (other.length + 1);
			return spliced(
				place(change.at),
				change.length,
				other.subarray(from, from + change.length),
			);
		}
		case "token": {
			const token = tokens[change.token % Math.max(1, tokens.length)];
			return token === undefined
				? bytes
				: spliced(place(change.at), change.token % 3 ? 0 : 1, token);
		}
	}
}

/** Inputs near those of a corpus, and a few that are near nothing. */
export function inputsNear(
	corpus: readonly Uint8Array[],
	tokens: readonly Uint8Array[] = [],
): fc.Arbitrary<Uint8Array> {
	const near = fc
		.tuple(fc.nat(), fc.array(edit, { minLength: 1, maxLength: 4 }))
		.map(([from, edits]) => {
			let bytes = corpus[from % Math.max(1, corpus.length)] ?? new Uint8Array();
			for (const change of edits)
				bytes = applied(bytes, change, corpus, tokens);
			return bytes.length > MOST_BYTES ? bytes.slice(0, MOST_BYTES) : bytes;
		});
	return fc.oneof(
		{ weight: 19, arbitrary: near },
		{ weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) },
	);
}
