/** Where the run vectors lie. */
export const VECTOR_FOLDER: URL = new URL("../vectors/", import.meta.url);

const SUITES = [
	"hybrid-aesgcm",
	"hybrid-chachapoly",
	"classical-aesgcm",
	"classical-chachapoly",
	"hybrid-chachapoly-aesgcm",
	"classical-chachapoly-aesgcm",
];

/** Every file that must be there, without `.json`. */
export const VECTOR_NAMES: readonly string[] = [
	...["direct", "crossed"].flatMap((routing) => [
		...["transcript", "unsafe-xor"].flatMap((root) =>
			SUITES.map((suite) => `tetrad-${routing}-${root}-${suite}`),
		),
		`tetrad-${routing}-unsafe-open`,
	]),
	...SUITES.map((suite) => `tetrad-direct-resumed-${suite}`),
	"tetrad-direct-cookie",
	"tetrad-pairing",
];
