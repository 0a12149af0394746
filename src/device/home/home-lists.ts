import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	authorityId,
	encodeBundle,
	type ListNumber,
	parsePemBlock,
	subjectText,
	type UntrustedList,
} from "../../identity/index.ts";
import type { Policy } from "../../tetrad/index.ts";
import { hex } from "../../wire/index.ts";
import { ListKeeper, requireNotBehind } from "../runtime/index.ts";
import { requireHome } from "./files.ts";
import { HomeLock } from "./home-lock.ts";
import { HomeState } from "./home-state.ts";
import { readPolicy } from "./policy-file.ts";

/** What a home knows of the lists of one authority. Times are in milliseconds since the epoch. */
export interface ListStatus {
	/** Authority id, in hexadecimal. */
	readonly authority: string;
	/** The name of a root without a list, or of the list's issuer. */
	readonly name: string;
	/** Absent for a root of which no list is held. */
	readonly list?: {
		readonly number: bigint;
		readonly thisUpdate: number;
		readonly nextUpdate: number;
		readonly entries: number;
		readonly recertifyBefore?: number;
	};
}

/**
 * Takes a list into a home whose device does not run: a bundle, or the bare list of a trusted
 * root, in DER or PEM. No key is touched. Rejects with `busy` while the device runs, with
 * `list-refused` for a list that is not accepted or is older than one that was seen, and with
 * why it could not be stored. Resolves with what is held then.
 */
export async function importList(
	home: string,
	file: Uint8Array,
	now: () => number = Date.now,
): Promise<ListStatus> {
	await requireHome(home, "device");
	using _ = await HomeLock.take(home);
	const policy = await readPolicy(home);
	const state = await HomeState.read(home);
	requireNotBehind(now(), state.clock(now).lastSeen);
	// What stands in the way of a start can be mended so.
	const lists = state.restored(policy, true);
	const keeper = new ListKeeper({
		lists,
		now,
		store: {
			...state.lists,
			bundles: [],
			async store(bundle, list) {
				requireNewest(state, list);
				await state.lists.store(bundle, list);
			},
		},
		observe: undefined,
	});
	const learned = await keeper.learn(bundleOf(file));
	if (learned.kind === "unusable" || learned.kind === "not-stored")
		throw learned.error;
	requireNewest(state, learned.was);
	const list = lists.list(learned.was.authority);
	if (list === undefined)
		throw new TetradError("internal", "a list that was taken is not held");
	return statusOf(list);
}

/** What lies on the disk may have been put back to an older list. */
function requireNewest(state: HomeState, list: ListNumber): void {
	const seen = state.numberSeen(list.authority);
	if (list.number < seen)
		throw new TetradError(
			"list-refused",
			`this device has seen list ${seen} of that authority already, and this is list ${list.number}, which is older; get the newest one`,
		);
}

/** What a home holds of lists, also while its device runs: each trusted root, and the intermediates whose lists are held. */
export async function listStatus(home: string): Promise<ListStatus[]> {
	await requireHome(home, "device");
	const policy = await readPolicy(home);
	const lists = (await HomeState.read(home)).restored(policy);
	return lists.numbers().map(({ authority }) => {
		const list = lists.list(authority);
		return list === undefined
			? { authority: hex(authority), name: rootName(policy, authority) }
			: statusOf(list);
	});
}

function rootName({ agencies, banks }: Policy, authority: Uint8Array): string {
	const id = hex(authority);
	const root = [...agencies, ...banks].find(
		({ certificate }) => hex(authorityId(nodeCrypto, certificate)) === id,
	);
	return root === undefined ? "" : subjectText(root.certificate);
}

function statusOf(list: UntrustedList): ListStatus {
	const { number, thisUpdate, nextUpdate, recertifyBefore, size } = list;
	return {
		authority: hex(list.authority),
		name: list.issuerText,
		list: {
			number,
			thisUpdate,
			nextUpdate,
			entries: size,
			...(recertifyBefore === undefined ? {} : { recertifyBefore }),
		},
	};
}

const DER_SEQUENCE = 0x30;
const PEM_DASH = 0x2d;

/** A bundle begins with a length, a list in DER with a sequence, and one in PEM with dashes. */
function bundleOf(file: Uint8Array): Uint8Array {
	if (file[0] === DER_SEQUENCE) return encodeBundle(file, new Uint8Array());
	if (file[0] !== PEM_DASH) return file;
	const text = Buffer.from(file).toString("latin1");
	return encodeBundle(parsePemBlock(text, "X509 CRL"), new Uint8Array());
}
