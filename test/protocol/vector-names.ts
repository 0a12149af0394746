/** Where the run vectors lie. */
export const VECTOR_FOLDER: URL = new URL("../vectors/", import.meta.url);

/** Every file that must be there, without `.json`. */
export const VECTOR_NAMES: readonly string[] = [
	...["direct", "crossed"].flatMap((routing) => [
		...["transcript", "unsafe-xor"].flatMap((root) =>
			[
				"hybrid-aesgcm",
				"hybrid-chachapoly",
				"classical-aesgcm",
				"classical-chachapoly",
			].map((suite) => `tetrad-${routing}-${root}-${suite}`),
		),
		`tetrad-${routing}-unsafe-open`,
	]),
	"tetrad-direct-cookie",
	"tetrad-pairing",
];
