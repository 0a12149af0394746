import { openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import { secretsOf } from "./keylog.ts";
import type { Sale } from "./sale.ts";
import { MIN_NEEDLE_BYTES, type Needle, search } from "./search.ts";
import type { Run } from "./stage.ts";
import { ENDS, type Wire } from "./wiretap.ts";

/** What a wiretap on one wire could read. */
export interface WireAudit {
	readonly wire: Wire;
	readonly bytes: number;
	/** How many plaintexts and how many secrets were looked for. */
	readonly plaintexts: number;
	readonly secrets: number;
	/** What was found, each once. */
	readonly found: readonly {
		readonly name: string;
		readonly from: string;
		readonly offset: number;
	}[];
}

/** Bytes of each piece of the file that is looked for, and how many pieces. */
const PIECE_BYTES = 32;
const MAX_PIECES = 256;

/** Beyond the serial number and the issuer, where one certificate differs from the next. */
const CERTIFICATE_PIECE = { from: 100, to: 228 } as const;

/** Searches everything that was captured for every plaintext and every secret of the run, and of a sale after it. */
export async function auditWires(
	run: Run,
	sale?: Pick<Sale, "captures" | "secrets" | "file">,
): Promise<WireAudit[]> {
	const plaintexts = await plaintextsOf(run, sale?.file);
	const secrets = secretsOf([
		run.keylog,
		...(sale === undefined ? [] : [sale.secrets]),
	]);
	const captured = [...run.captures, ...(sale?.captures ?? [])];
	const needles = [...plaintexts, ...secrets.flatMap(withHex)];
	const audits: WireAudit[] = [];
	for (const wire of Object.keys(ENDS) as Wire[]) {
		const captures = captured.filter((one) => one.wire === wire);
		const found = new Map<string, { from: string; offset: number }>();
		for (const captured of captures)
			for (const { needle, offset } of await search(captured.file, needles))
				if (!found.has(needle.name))
					found.set(needle.name, { from: captured.from, offset });
		audits.push({
			wire,
			bytes: captures.reduce((sum, { bytes }) => sum + bytes, 0),
			plaintexts: plaintexts.length,
			secrets: secrets.length,
			found: [...found].map(([name, where]) => ({ name, ...where })),
		});
	}
	return audits;
}

async function plaintextsOf(
	run: Run,
	sold: string | undefined,
): Promise<Needle[]> {
	const file = sold ?? run.options.file;
	const text = (name: string, value: string): Needle => ({
		name,
		bytes: new TextEncoder().encode(value),
	});
	return [
		text("the first message", run.said.message),
		...Object.entries(run.said.greet).map(([place, value]) =>
			text(`the greeting of ${place}`, value),
		),
		...certificatesOf(run),
		...(file === undefined ? [] : await piecesOf(file)),
	];
}

/** A piece of each device's certificate, with its name in it: identities are no wiretap's business. */
function certificatesOf(run: Run): Needle[] {
	return Object.entries(run.certificates).map(([place, der]) => ({
		name: `the certificate of ${place}`,
		bytes: der.subarray(CERTIFICATE_PIECE.from, CERTIFICATE_PIECE.to),
	}));
}

/**
 * Pieces of the file, evenly spread, or the whole of a short one. Pieces of one or two repeated
 * bytes tell nothing and are left out.
 */
async function piecesOf(path: string): Promise<Needle[]> {
	const { size } = await stat(path);
	const blob = await openAsBlob(path);
	const length = Math.min(PIECE_BYTES, size);
	if (length < MIN_NEEDLE_BYTES) return [];
	const pieces = Math.min(MAX_PIECES, Math.floor(size / length));
	const needles: Needle[] = [];
	for (let i = 0; i < pieces; i++) {
		const at = Math.floor((i * (size - length)) / Math.max(1, pieces - 1));
		const piece = blob.slice(at, at + length);
		const bytes = new Uint8Array(await piece.arrayBuffer());
		if (new Set(bytes).size > 2)
			needles.push({ name: `the file at byte ${at}`, bytes });
	}
	return needles;
}

/** A secret could also cross a wire as text. */
function withHex({ name, bytes }: Needle): Needle[] {
	const hex = Buffer.from(bytes).toString("hex");
	return [
		{ name, bytes },
		{ name, bytes: new TextEncoder().encode(hex) },
	];
}
