import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { SoftwareKey } from "../../keys/index.ts";
import { MAX_TOKEN_LENGTH } from "../../money/cashu/index.ts";
import {
	type ApprovalBody,
	draftApproval,
	draftCancellation,
	draftEcashOrder,
	draftLimits,
	draftOrder,
	draftOverride,
	type EcashOrder,
	type Head,
	type LimitsBody,
	MAX_APPROVAL_BYTES,
	MAX_ECASH_ORDER_BYTES,
	MAX_LIMITS_BYTES,
	MAX_ORDER_BYTES,
	REQUEST_ID_BYTES,
} from "../../money/index.ts";
import { hex, parseUtf8, utf8 } from "../../wire/index.ts";
import {
	isThere,
	makePrivateFolder,
	readBytes,
	reason,
	replaceFile,
	requirePrivate,
	unusable,
} from "../home/index.ts";

/*
 * What the owner of a purse has ordered and its module has not taken down yet, in orders/ of the
 * home, one file each:
 *
 *   <request>.order       to withdraw, signed by the owner's key (src/money/order.ts)
 *   <request>.cancel      not to carry out the order of that name, signed by the same key
 *   <request>.limits      what the purse may pay, signed by the same key (src/money/spending-order.ts)
 *   <request>.approval    what to make of a payment that waits, signed by the same key
 *   <request>.override    to pay although a witness knows another state, signed by the same key
 *   <request>.ecash       of its mints, signed by the same key (src/money/documents/ecash-order.ts)
 *   <request>.token       ecash to be put into it, in text; it needs no signature
 *   <request>.give-back   the device id of an issuer; it needs no signature, because it only puts
 *                         money into the owner's own account
 *   ….refused             what was not the owner's, for the owner to look at
 */

/** Files in that folder, of every kind. */
const MAX_ORDER_FILES = 64;

/** What is signed by the owner's key. */
export type SignedOrderKind =
	| "order"
	| "cancel"
	| "override"
	| "limits"
	| "approval"
	| "ecash";

const ORDER =
	/^([0-9a-f]{32})\.(order|cancel|override|limits|approval|ecash|token|give-back)$/;

/** The largest of any kind, in bytes. */
const MAX_FILE_BYTES: number = Math.max(
	MAX_ORDER_BYTES,
	MAX_LIMITS_BYTES,
	MAX_APPROVAL_BYTES,
	MAX_ECASH_ORDER_BYTES,
	MAX_TOKEN_LENGTH,
);

/** An order of ecash that has no name yet. */
export type NewEcashOrder = EcashOrder extends infer Of
	? Of extends EcashOrder
		? Omit<Of, "request">
		: never
	: never;

export type OrderFile = {
	/** Its name in orders/. */
	readonly name: string;
	readonly request: Uint8Array;
} & (
	| {
			readonly kind: SignedOrderKind;
			readonly document: Uint8Array;
	  }
	| { readonly kind: "give-back"; readonly issuer: Uint8Array }
	| { readonly kind: "token"; readonly token: string }
	/** It cannot be read. */
	| { readonly kind: "unreadable"; readonly error: TetradError }
);

/** Orders a withdrawal from the purse in `home`, whose module has that device id. Resolves with its request id, when it is on the disk. */
export async function placeWithdrawal(
	home: string,
	owner: SoftwareKey,
	order: {
		readonly purse: Uint8Array;
		readonly issuer: Uint8Array;
		readonly amount: bigint;
	},
): Promise<Uint8Array> {
	const request = nodeCrypto.random(REQUEST_ID_BYTES);
	const draft = draftOrder({ ...order, request, ordered: Date.now() });
	const document = draft.sign(await owner.sign(draft.toSign));
	await placeFile(home, `${hex(request)}.order`, document);
	return request;
}

/** Cancels an order to withdraw of the purse in `home`, whose module has that device id. Resolves when it is on the disk. */
export async function placeCancellation(
	home: string,
	owner: SoftwareKey,
	order: {
		readonly purse: Uint8Array;
		/** Of the order. */
		readonly request: Uint8Array;
		readonly issuer: Uint8Array;
		readonly amount: bigint;
	},
): Promise<void> {
	const draft = draftCancellation({ ...order, cancelled: Date.now() });
	const document = draft.sign(await owner.sign(draft.toSign));
	await placeFile(home, `${hex(order.request)}.cancel`, document);
}

/** Overrides what a witness told of the purse in `home`, whose module has that device id. Resolves when it is on the disk. */
export async function placeOverride(
	home: string,
	owner: SoftwareKey,
	{ purse, record }: { readonly purse: Uint8Array; readonly record: Head },
): Promise<void> {
	const request = nodeCrypto.random(REQUEST_ID_BYTES);
	const draft = draftOverride({
		purse,
		request,
		...record,
		ordered: Date.now(),
	});
	const document = draft.sign(await owner.sign(draft.toSign));
	await placeFile(home, `${hex(request)}.override`, document);
}

/** Orders what the purse in `home` may pay, in the place of what was ordered before. Resolves with the name of its file in orders/, when it is on the disk. */
export async function placeLimits(
	home: string,
	owner: SoftwareKey,
	limits: Omit<LimitsBody, "request" | "ordered">,
): Promise<string> {
	const request = nodeCrypto.random(REQUEST_ID_BYTES);
	const draft = draftLimits({ ...limits, request, ordered: Date.now() });
	const document = draft.sign(await owner.sign(draft.toSign));
	const name = `${hex(request)}.limits`;
	await placeFile(home, name, document);
	return name;
}

/** Approves or denies a payment that waits in the purse in `home`. It counts from `ordered` on, in milliseconds since the epoch. Resolves as `placeLimits`. */
export async function placeApproval(
	home: string,
	owner: SoftwareKey,
	approval: Omit<ApprovalBody, "request">,
): Promise<string> {
	const request = nodeCrypto.random(REQUEST_ID_BYTES);
	const draft = draftApproval({ ...approval, request });
	const document = draft.sign(await owner.sign(draft.toSign));
	const name = `${hex(request)}.approval`;
	await placeFile(home, name, document);
	return name;
}

/** Orders something of a mint of the purse in `home`, whose module has that device id. Resolves with its request id, when it is on the disk. */
export async function placeEcashOrder(
	home: string,
	owner: SoftwareKey,
	purse: Uint8Array,
	order: NewEcashOrder,
): Promise<Uint8Array> {
	const request = nodeCrypto.random(REQUEST_ID_BYTES);
	const named = { ...order, request } as EcashOrder;
	const draft = draftEcashOrder(named, { purse, ordered: Date.now() });
	const document = draft.sign(await owner.sign(draft.toSign));
	await placeFile(home, `${hex(request)}.ecash`, document);
	return request;
}

/** Puts a token of ecash before the purse in `home`. Resolves as `placeEcashOrder`. */
export async function placeToken(
	home: string,
	token: string,
): Promise<Uint8Array> {
	const request = nodeCrypto.random(REQUEST_ID_BYTES);
	await placeFile(home, `${hex(request)}.token`, utf8(token));
	return request;
}

/** Whether the module has not taken a file of orders/ down yet. */
export async function isWaiting(home: string, name: string): Promise<boolean> {
	return isThere(join(ordersFolder(home), name));
}

/** Orders all notes of an issuer back into the account there. */
export async function placeGiveBack(
	home: string,
	issuer: Uint8Array,
): Promise<Uint8Array> {
	const request = nodeCrypto.random(REQUEST_ID_BYTES);
	await placeFile(home, `${hex(request)}.give-back`, issuer);
	return request;
}

/** What waits in orders/, in the order of their names. A home without that folder has none. */
export async function readOrders(home: string): Promise<OrderFile[]> {
	const folder = ordersFolder(home);
	if (!(await isThere(folder))) return [];
	await requirePrivate(folder);
	const files: OrderFile[] = [];
	for (const name of (await listFiles(folder)).slice(0, MAX_ORDER_FILES)) {
		const [, id, kind] = ORDER.exec(name) ?? [];
		if (id === undefined) continue;
		const request = fromHex(id);
		try {
			const bytes = await readBytes(join(folder, name), MAX_FILE_BYTES);
			files.push(
				readOrder({ name, request }, kind as OrderFile["kind"], bytes),
			);
		} catch (thrown) {
			const error = asTetradError(thrown);
			files.push({ name, request, kind: "unreadable", error });
		}
	}
	return files;
}

function readOrder(
	of: Pick<OrderFile, "name" | "request">,
	kind: OrderFile["kind"],
	bytes: Uint8Array,
): OrderFile {
	switch (kind) {
		case "give-back":
			return { ...of, kind, issuer: bytes };
		case "token":
			return { ...of, kind, token: parseUtf8(bytes) };
		default:
			return { ...of, kind: kind as SignedOrderKind, document: bytes };
	}
}

/** The purse has taken it down; were it there again after a crash, it would be known as the same. */
export async function removeOrder(home: string, name: string): Promise<void> {
	await rm(join(ordersFolder(home), name), { force: true });
}

/** Puts an order aside that is not the owner's, for the owner to look at. */
export async function putOrderAside(home: string, name: string): Promise<void> {
	const path = join(ordersFolder(home), name);
	await rename(path, `${path}.refused`);
}

async function placeFile(
	home: string,
	name: string,
	content: Uint8Array,
): Promise<void> {
	const folder = ordersFolder(home);
	await makePrivateFolder(folder);
	const { length } = await listFiles(folder);
	if (length >= MAX_ORDER_FILES)
		throw new TetradError(
			"busy",
			`${length} orders wait in ${folder}; let the module meet its issuer first, and remove those that were refused`,
		);
	await replaceFile(join(folder, name), content);
}

async function listFiles(folder: string): Promise<string[]> {
	try {
		return (await readdir(folder)).sort();
	} catch (thrown) {
		throw unusable(`cannot read ${folder}: ${reason(thrown)}`, thrown);
	}
}

function ordersFolder(home: string): string {
	return join(home, "orders");
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
