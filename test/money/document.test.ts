/* The numbers and names in the tables of docs/money.md are those of the code. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	GOODS_KEY_BYTES,
	MAX_PAYMENT_TEXT_BYTES,
	MAX_SELLING_CERTIFICATE_BYTES,
	SELLING_SECRET_BYTES,
} from "../../src/money/documents/limits.ts";
import {
	BINDING_LABEL,
	DEPOSIT_MARGIN_MS,
	draftApproval,
	draftCancellation,
	draftLimits,
	draftNote,
	draftOrder,
	draftOverride,
	draftReceipt,
	draftTransfer,
	encodeEvidence,
	MAX_AGENT_PAYMENTS,
	MAX_APPROVAL_BYTES,
	MAX_ARCHIVED,
	MAX_EVIDENCE_BYTES,
	MAX_EXPONENT,
	MAX_ISSUER_CHAINS,
	MAX_LIMITED_ISSUERS,
	MAX_LIMITS_BYTES,
	MAX_NAMED_MERCHANTS,
	MAX_NEW_NOTES,
	MAX_NOTE_BYTES,
	MAX_ORDER_BYTES,
	MAX_PIECES,
	MAX_REASON_BYTES,
	MAX_RECEIPT_BYTES,
	MAX_SEVERAL,
	MAX_SEVERAL_BYTES,
	MAX_TERMS_BYTES,
	MAX_TRANSFER_BYTES,
	messages,
	openApproval,
	openCancellation,
	openEvidence,
	openLimits,
	openOrder,
	openOverride,
	openReceipt,
	PAY_WITHIN_MS,
	parseNote,
	parseTransfer,
	SEVERAL,
} from "../../src/money/index.ts";
import {
	APPROVAL_KEPT_MS,
	CLOCK_TOLERANCE_MS,
	DECLINED_AT_ONCE_MS,
	MAX_APPROVALS,
	MAX_APPROVALS_OF_MERCHANT,
	MAX_META_LIST,
	MAX_WITNESSED_NUMBER,
	UNKNOWN_FOR_MS,
} from "../../src/money/purse/purse-limits.ts";
import {
	dec,
	enc,
	hex,
	LOCK_BYTE,
	REGISTRY,
	type Structure,
} from "../../src/wire/index.ts";
import {
	cell,
	type LayoutField,
	parseLayout,
	parseTables,
	type Table,
	tableIn,
} from "../protocol/document.ts";
import { TEST_NOW } from "../support/authority.ts";
import {
	certified,
	FIXED,
	FIXED_NOTE,
	FIXED_TRANSFER,
	filled,
	idOf,
	MoneyWorld,
} from "./documents.ts";

const DOCUMENT = readFileSync(
	new URL("../../docs/money.md", import.meta.url),
	"utf8",
);
const TABLES = parseTables(DOCUMENT);
const table = (heading: string, ...columns: readonly string[]): Table =>
	tableIn(TABLES, "docs/money.md", heading, columns);

/** The fields of a document, in order. */
function layoutOf(heading: string): readonly LayoutField[] {
	return table(heading, "field", "bytes").rows.map((row) => {
		const [, min, max] = /^(\d+)(?:–(\d+))?$/.exec(cell(row, "bytes")) ?? [];
		return {
			name: cell(row, "field"),
			min: Number(min),
			max: Number(max ?? min),
		};
	});
}

/** Holds a layout against what reads it: which names each field and says when its length is wrong. */
function holdsLayout(
	noun: string,
	layout: readonly LayoutField[],
	read: (fields: readonly Uint8Array[]) => unknown,
): void {
	const complaint = (fields: readonly Uint8Array[]): string => {
		try {
			read(fields);
			return "";
		} catch (error) {
			return (error as Error).message;
		}
	};
	const sized = (lengths: readonly number[]) =>
		lengths.map((length) => filled(length, 1));
	const least = layout.map(({ min }) => min);
	const most = layout.map(({ max }) => max);
	for (const lengths of [least, most])
		assert.doesNotMatch(complaint(sized(lengths)), /wrong length|fields/);
	assert.match(complaint(sized(least.toSpliced(-1))), /has \d+ fields/);
	for (const [i, { name, min, max }] of layout.entries()) {
		const wrong = `${noun}: ${name} has a wrong length`;
		// With the one field that varies, all of it is too long.
		const longer = complaint(sized(least.with(i, max + 1)));
		assert.ok([wrong, `${noun} is too long`].includes(longer), longer);
		if (min > 0) assert.equal(complaint(sized(least.with(i, min - 1))), wrong);
	}
}

describe("layouts of documents", () => {
	const signed = (fields: readonly Uint8Array[]) =>
		enc(enc(...fields), filled(64, 1));

	test("Note", () => {
		holdsLayout("a note", layoutOf("Note"), (fields) =>
			parseNote(nodeCrypto, signed(fields)),
		);
	});

	test("Transfer", () => {
		holdsLayout("a transfer", layoutOf("Transfer"), (fields) =>
			parseTransfer(nodeCrypto, signed(fields)),
		);
	});

	test("Receipt", () => {
		const payee = { deviceId: idOf("bob"), ...FIXED.payee };
		holdsLayout("a receipt", layoutOf("Receipt"), (fields) =>
			openReceipt(nodeCrypto, signed(fields), payee),
		);
		const short = layoutOf("Receipt").map(({ min }) => filled(min, 0));
		for (const length of [0, 39, 41])
			assert.throws(
				() =>
					openReceipt(nodeCrypto, signed([...short, filled(length, 1)]), payee),
				/head has a wrong length|a receipt is too long/,
			);
	});

	test("Override", () => {
		holdsLayout("an override", layoutOf("Override"), (fields) =>
			openOverride(nodeCrypto, signed(fields), idOf("alice"), FIXED.owner),
		);
	});
	test("Cancellation", () => {
		holdsLayout("a cancellation", layoutOf("Cancellation"), (fields) =>
			openCancellation(nodeCrypto, signed(fields), idOf("alice"), FIXED.owner),
		);
	});
	test("Order", () => {
		holdsLayout("an order", layoutOf("Order"), (fields) =>
			openOrder(nodeCrypto, signed(fields), idOf("alice"), FIXED.owner),
		);
	});

	test("Spending limits", () => {
		holdsLayout("limits", layoutOf("Spending limits"), (fields) =>
			openLimits(nodeCrypto, signed(fields), idOf("alice"), FIXED.owner),
		);
	});

	test("Approval", () => {
		holdsLayout("an approval", layoutOf("Approval"), (fields) =>
			openApproval(nodeCrypto, signed(fields), idOf("alice"), FIXED.owner),
		);
	});

	test("Evidence", () => {
		holdsLayout("evidence", layoutOf("Evidence"), (fields) =>
			openEvidence(nodeCrypto, enc(...fields), []),
		);
	});

	test("the fields of each document stand where the page says", () => {
		const note = draftNote(FIXED_NOTE).sign(nodeCrypto, filled(64, 1));
		const place = (heading: string, document: Uint8Array, field: string) => {
			const layout = layoutOf(heading);
			const [body = document] =
				heading === "Evidence" ? [document] : dec(document, 2);
			const at = layout.findIndex(({ name }) => name === field);
			return hex(dec(body, layout.length)[at] ?? filled(0, 0));
		};
		for (const field of [
			"issuer",
			"issuerCertificate",
			"holder",
			"serial",
		] as const)
			assert.equal(place("Note", note.document, field), hex(note[field]));
		const { document } = draftTransfer(FIXED_TRANSFER).sign(
			nodeCrypto,
			filled(64, 1),
		);
		for (const field of [
			...(["payer", "payee", "issuer"] as const),
			...(["contract", "binding", "parties"] as const),
		])
			assert.equal(
				place("Transfer", document, field),
				hex(FIXED_TRANSFER[field]),
			);
		const receipt = {
			contract: filled(32, 1),
			transfer: filled(32, 2),
			payee: idOf("bob"),
			amount: 1n,
			accepted: TEST_NOW,
			head: undefined,
		};
		const receiptDocument = draftReceipt(receipt).sign(filled(64, 1));
		for (const field of ["contract", "transfer", "payee"] as const)
			assert.equal(
				place("Receipt", receiptDocument, field),
				hex(receipt[field]),
			);
		const order = {
			purse: idOf("alice"),
			request: filled(16, 1),
			issuer: idOf("bank"),
			amount: 1n,
			ordered: TEST_NOW,
		};
		const orderDocument = draftOrder(order).sign(filled(64, 1));
		for (const field of ["purse", "request", "issuer"] as const)
			assert.equal(place("Order", orderDocument, field), hex(order[field]));
		const parts = {
			issuerChain: filled(3, 1),
			holderChain: filled(3, 2),
			note: filled(3, 3),
			first: filled(3, 4),
			second: filled(3, 5),
		};
		for (const [field, value] of Object.entries(parts))
			assert.equal(place("Evidence", encodeEvidence(parts), field), hex(value));
	});
});

const groups = {
	"Between the modules": messages.BETWEEN_MODULES,
	"With the module of an issuer": messages.WITH_ISSUER,
	"Between an agent and its module": messages.WITH_AGENT,
};

describe("messages", () => {
	for (const [heading, group] of Object.entries(groups)) {
		const { rows } = table(heading, "type", "message");
		const kinds = group as unknown as Readonly<
			Record<string, { type: number; body: Structure<Record<string, unknown>> }>
		>;
		test(`${heading}: all of them, with their type bytes`, () => {
			assert.deepEqual(
				rows.map((row) => [cell(row, "message"), Number(cell(row, "type"))]),
				Object.entries(kinds).map(([name, { type }]) => [name, type]),
			);
			const place =
				heading === "Between an agent and its module"
					? "session 3 or 4"
					: "session 2";
			for (const [name, { type }] of Object.entries(kinds))
				assert.deepEqual(
					REGISTRY.filter(
						({ byte, places }) => byte === type && places.includes(place),
					).map((entry) => entry.name),
					[name],
				);
		});
		for (const row of rows) {
			const name = cell(row, "message");
			test(name, () => {
				const layout = parseLayout(row["fields, in order"] ?? "");
				const body = kinds[name]?.body;
				assert.ok(layout && body);
				holdsLayout(name, layout, (fields) => body.decode(enc(...fields)));
				assert.equal(
					body.maxBytes,
					layout.reduce((sum, { max }) => sum + 4 + max, 0),
				);
			});
		}
	}
});

test("every message of money that is registered is in the tables, or carries several", () => {
	const inTables = Object.values(groups).flatMap((group) =>
		Object.values(group).map(({ type }): number => type),
	);
	const ofMoney = REGISTRY.filter(
		({ byte, places }) =>
			byte >= 0x20 &&
			byte < 0x50 &&
			// Those are in docs/cashu.md.
			!Object.values<number>(LOCK_BYTE).includes(byte) &&
			places.some((place) => /^session [23]/.test(place)),
	).map(({ byte }) => byte);
	assert.deepEqual(
		ofMoney.toSorted((a, b) => a - b),
		[...inTables, SEVERAL].toSorted((a, b) => a - b),
	);
	assert.ok(DOCUMENT.includes(`0x${SEVERAL.toString(16)} ‖ enc(`));
});

test("labels: the table has every one that is in the code, and no other", () => {
	const folder = new URL("../../src/money/", import.meta.url);
	const inCode = new Set<string>();
	for (const file of readdirSync(folder, {
		recursive: true,
		encoding: "utf8",
	}).filter((name) => name.endsWith(".ts") && !name.startsWith("cashu/"))) {
		// Comments show labels of other things.
		const code = readFileSync(new URL(file, folder), "utf8")
			.replaceAll(/\/\*[\s\S]*?\*\//g, "")
			.replaceAll(/\/\/.*$/gm, "");
		for (const [, label = ""] of code.matchAll(/["'`](tetrad\/1 [^"'`$]*)/g))
			inCode.add(label);
	}
	const documented = table("Labels", "label").rows.map((row) =>
		cell(row, "label"),
	);
	assert.deepEqual(documented.toSorted(), [...inCode].toSorted());
	assert.ok(DOCUMENT.includes(`"${BINDING_LABEL}"`));
});

test("roles: each document is signed for the place that the page says", async () => {
	const world = await MoneyWorld.make("Ed25519");
	const { device } = await certified(world.bank, "somebody");
	const toSign: Record<string, Uint8Array> = {
		note: draftNote(FIXED_NOTE).toSign,
		transfer: draftTransfer(FIXED_TRANSFER).toSign,
		receipt: draftReceipt({
			contract: filled(32, 1),
			transfer: filled(32, 2),
			payee: device.deviceId,
			amount: 1n,
			accepted: TEST_NOW,
			head: undefined,
		}).toSign,
		order: draftOrder({
			purse: device.deviceId,
			request: filled(16, 1),
			issuer: device.deviceId,
			amount: 1n,
			ordered: TEST_NOW,
		}).toSign,
		override: draftOverride({
			purse: device.deviceId,
			request: filled(16, 1),
			number: 1n,
			hash: filled(32, 3),
			ordered: TEST_NOW,
		}).toSign,
		cancellation: draftCancellation({
			purse: device.deviceId,
			request: filled(16, 1),
			issuer: device.deviceId,
			amount: 1n,
			cancelled: TEST_NOW,
		}).toSign,
		"spending limits": draftLimits({
			purse: device.deviceId,
			request: filled(16, 1),
			number: 1n,
			money: [],
			merchants: undefined,
			approveNewMerchants: false,
			ordered: TEST_NOW,
		}).toSign,
		approval: draftApproval({
			purse: device.deviceId,
			request: filled(16, 1),
			contract: filled(32, 3),
			payee: idOf("bob"),
			issuer: idOf("bank"),
			amount: 1n,
			isApproved: true,
			ordered: TEST_NOW,
		}).toSign,
	};
	const { rows } = table("Documents", "role");
	assert.deepEqual(
		rows.map((row) => cell(row, "document")),
		Object.keys(toSign),
	);
	for (const row of rows) {
		const bytes = toSign[cell(row, "document")] ?? filled(0, 0);
		const label = Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
		assert.equal(label, `tetrad/1 ${cell(row, "role")}`);
	}
});

test("limits", () => {
	const documented = table("Limits", "limit").rows.map((row) => [
		cell(row, "limit"),
		Number(cell(row, "value")),
	]);
	assert.deepEqual(Object.fromEntries(documented), {
		"decimals of a currency": MAX_EXPONENT,
		"pieces in a transfer": MAX_PIECES,
		"notes that one request makes": MAX_NEW_NOTES,
		note: MAX_NOTE_BYTES,
		transfer: MAX_TRANSFER_BYTES,
		receipt: MAX_RECEIPT_BYTES,
		order: MAX_ORDER_BYTES,
		"spending limits": MAX_LIMITS_BYTES,
		approval: MAX_APPROVAL_BYTES,
		"issuers in spending limits": MAX_LIMITED_ISSUERS,
		"merchants in spending limits": MAX_NAMED_MERCHANTS,
		evidence: MAX_EVIDENCE_BYTES,
		"payments in an archive": MAX_ARCHIVED,
		"messages in one": MAX_SEVERAL,
		"several messages in one": MAX_SEVERAL_BYTES,
		"chains of issuers in a payment": MAX_ISSUER_CHAINS,
		"terms of a sale": MAX_TERMS_BYTES,
		"selling certificate": MAX_SELLING_CERTIFICATE_BYTES,
		"goods key, selling secret": GOODS_KEY_BYTES,
		"text that says why": MAX_REASON_BYTES,
		"text that says what a payment is for": MAX_PAYMENT_TEXT_BYTES,
		"payments of one tetrad that an agent keeps track of, each way":
			MAX_AGENT_PAYMENTS,
		"number of a head that is believed, unless the own one is higher":
			Number(MAX_WITNESSED_NUMBER),
		"overridden heads that a purse remembers": MAX_META_LIST,
		"payments that wait for the owner, or are decided and not made":
			MAX_APPROVALS,
		"of those, to one module": MAX_APPROVALS_OF_MERCHANT,
		"time that an issuer does not know a note before it is lost, ms":
			UNKNOWN_FOR_MS,
		"of that, what counts between two declines, ms": DECLINED_AT_ONCE_MS,
		"time in which what waits for the owner gives way to nothing, ms":
			APPROVAL_KEPT_MS,
		"time that a payee leaves itself to deposit in, ms": DEPOSIT_MARGIN_MS,
		"time from an invoice to its payBy, ms": PAY_WITHIN_MS,
		"time after payBy in which a transfer is still taken at once, ms":
			CLOCK_TOLERANCE_MS,
	});
	assert.equal(SELLING_SECRET_BYTES, GOODS_KEY_BYTES);
	assert.ok(
		DOCUMENT.includes(
			`enc of 1–${MAX_PIECES} notes or of 1–${MAX_ISSUER_CHAINS} chains`,
		),
	);
	assert.ok(DOCUMENT.includes(`\`issued\` has 1–${MAX_NEW_NOTES} notes`));
});

test("links inside the page lead somewhere", () => {
	const anchors = new Set(
		[...DOCUMENT.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
			heading
				.toLowerCase()
				.replaceAll(/[^\w\s-]/g, "")
				.replaceAll(/\s/g, "-"),
		),
	);
	for (const [, anchor = ""] of DOCUMENT.matchAll(/\]\(#([^)]*)\)/g))
		assert.ok(anchors.has(anchor), `#${anchor}`);
});
