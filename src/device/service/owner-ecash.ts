/*
 * What the owner of a module orders of the mints of its purse, as the service says and orders it. An
 * order is a file in the home, which a module that runs takes down at once; where none runs, it is
 * carried out here.
 */

import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { nodeCrypto } from "../../crypto/index.ts";
import { isErrorCode, TetradError } from "../../errors.ts";
import {
	type CertifiedDevice,
	encodeChain,
	validateChain,
} from "../../identity/index.ts";
import type { SecretSource } from "../../keys/index.ts";
import { parseToken } from "../../money/cashu/index.ts";
import type { PurseReport } from "../../money/index.ts";
import { hex } from "../../wire/index.ts";
import { readCertificates, readDeviceFile, readPolicy } from "../home/index.ts";
import {
	type EcashOrderView,
	isWaiting,
	mintNamed,
	moduleIdOf,
	type NewEcashOrder,
	type OrderOfMint,
	openOwner,
	Purse,
	placeEcashOrder,
	placeToken,
	readPurseSettings,
	trustedMint,
	viewEcashOrder,
	viewEcashOrders,
	viewPurse,
} from "../purse/index.ts";
import { chosen } from "./chosen.ts";
import type { EcashWork, OrderEcash } from "./module-service.ts";
import { moneyOf } from "./purse-views.ts";

/** How often it is looked what became of an order. */
const LOOK_EVERY_MS = 200;

/** So long after its file has gone an order that left no row was refused. */
const REFUSED_AFTER_MS = 2_000;

/** Puts a token before the purse in a home, and waits until its mint has answered. */
export async function receiveIn(
	home: string,
	token: string,
	{ waitMs }: Pick<OrderEcash, "waitMs">,
): Promise<EcashWork> {
	const { mints } = await readPurseSettings(home);
	const { mint, unit } = parseToken(token);
	const named = mintNamed(mints.map(trustedMint), mint);
	if (named.unit !== unit)
		throw new TetradError(
			"payment-refused",
			`that token is in ${unit}, and the purse takes ${named.unit} of that mint`,
		);
	const request = await placeToken(home, token);
	return outcome(home, request, `${hex(request)}.token`, waitMs);
}

/** Orders something of a mint, as the owner of the purse in a home, and waits until it is as far as `isFar` says. */
export async function orderIn(
	home: string,
	order: OrderOfMint,
	{ mint: url, owner, waitMs }: OrderEcash,
	invoiced?: (work: EcashWork) => void,
): Promise<EcashWork> {
	const settings = await readPurseSettings(home);
	const { issuer: mint } = mintNamed(settings.mints.map(trustedMint), url);
	const request = await place(home, { ...order, mint } as NewEcashOrder, owner);
	const name = `${hex(request)}.ecash`;
	if (order.kind !== "mint") return outcome(home, request, name, waitMs);
	return outcome(home, request, name, waitMs, invoiced);
}

/** Takes a token back whose request begins so. */
export async function takeBackIn(
	home: string,
	beginning: string,
	{ owner, waitMs }: OrderEcash,
): Promise<EcashWork> {
	const sent = (await ordersOf(home, true)).filter(
		({ kind }) => kind === "send",
	);
	const {
		request: of,
		state,
		terms,
	} = chosen(sent, beginning, {
		id: ({ request }) => hex(request),
		what: "token",
		see: `tetrad purse pending --all --home ${home}`,
	});
	if (state !== "sent" && state !== "taking-back")
		throw new TetradError(
			"invalid-argument",
			`that token is not out: it is ${state}`,
		);
	const { issuer: mint } = terms;
	const order = { kind: "take-back", of, mint } as const;
	const request = await place(home, order, owner);
	const name = `${hex(request)}.ecash`;
	// The file goes when the token is no more what it was, or was not taken back.
	const work = await outcome(home, of, name, waitMs);
	if (work.state !== "sent") return work;
	throw (await isWaiting(home, name)) ? notTakenDown(home) : notTaken();
}

/** What was ordered of mints, the newest first. */
export async function ecashIn(
	home: string,
	all: boolean,
): Promise<EcashWork[]> {
	return (await ordersOf(home, all)).map(workOf);
}

async function ordersOf(home: string, all: boolean): Promise<EcashOrderView[]> {
	await using view = await viewPurse(home);
	return await viewEcashOrders(view.store, view.issuers, all);
}

async function place(
	home: string,
	order: NewEcashOrder,
	secret: SecretSource,
): Promise<Uint8Array> {
	const { owner } = await readPurseSettings(home);
	const purse = await moduleIdOf(home);
	return placeEcashOrder(home, await openOwner(owner, secret), purse, order);
}

/** Whether nothing more comes of it, or nothing in a time that anybody waits. */
function isOver({ state }: EcashOrderView): boolean {
	switch (state) {
		case "swapping":
		case "taking-back":
		case "unpaid":
		case "minting":
		case "melting":
		case "restoring":
			return false;
		default:
			return true;
	}
}

/** Waits until an order is over, or the time is, and says how far it is; what was refused is thrown. */
async function outcome(
	home: string,
	request: Uint8Array,
	file: string,
	waitMs: number,
	invoiced?: (work: EcashWork) => void,
): Promise<EcashWork> {
	const refusals = new Map<string, TetradError>();
	const until = Date.now() + waitMs;
	let goneAt: number | undefined;
	let last: EcashOrderView | undefined;
	let isTold = false;
	await using here = await openHere(home, refusals);
	void here;
	for (;;) {
		// What came of it, and why nothing, is there before its file goes.
		const isTaken = !(await isWaiting(home, file));
		last = await lookAt(home, request);
		const refusal = refusals.get(file);
		if (refusal !== undefined) throw refusal;
		if (last !== undefined && isTaken) {
			if (last.state === "refused" || last.state === "failed")
				throw errorOf(last);
			if (isOver(last)) return workOf(last);
			if (last.state === "unpaid" && !isTold) {
				isTold = true;
				invoiced?.(workOf(last));
			}
		}
		if (isTaken) goneAt ??= Date.now();
		const isLost =
			last === undefined &&
			goneAt !== undefined &&
			Date.now() > goneAt + REFUSED_AFTER_MS;
		if (isLost) throw notTaken();
		if (Date.now() >= until) break;
		await wait(LOOK_EVERY_MS);
	}
	if (last !== undefined) return workOf(last);
	throw notTakenDown(home);
}

async function lookAt(
	home: string,
	request: Uint8Array,
): Promise<EcashOrderView | undefined> {
	await using view = await viewPurse(home);
	return await viewEcashOrder(view.store, view.issuers, request);
}

/** The purse of a home whose module does not run, so that what was ordered is carried out here; nothing while it runs. */
async function openHere(
	home: string,
	refusals: Map<string, TetradError>,
): Promise<AsyncDisposable> {
	const report = (report: PurseReport) => {
		if (report.kind === "ecash-refused")
			refusals.set(`${hex(report.request)}.token`, report.error);
		if (report.kind === "ecash-ordered" && report.error !== undefined)
			refusals.set(`${hex(report.request)}.ecash`, report.error);
	};
	const own = await ownDevice(home);
	try {
		const purse = await Purse.openHome(home, { report });
		purse.attach(hostOf(own));
		return purse;
	} catch (thrown) {
		if (thrown instanceof TetradError && thrown.code === "busy")
			return new AsyncDisposableStack();
		throw thrown;
	}
}

/** The module of a home, by its certificate: nobody is met here, and nothing is signed. */
async function ownDevice(home: string): Promise<CertifiedDevice> {
	const { chain } = await readDeviceFile(home, "module");
	const certificates = await readCertificates(join(home, chain));
	const { banks } = await readPolicy(home);
	const encoded = encodeChain(certificates);
	return validateChain(nodeCrypto, encoded, "module", banks, Date.now());
}

function hostOf(own: CertifiedDevice): Parameters<Purse["attach"]>[0] {
	const nobody = (): never => {
		throw new TetradError(
			"internal",
			"a purse without its module met somebody",
		);
	};
	return {
		context: {
			...{ crypto: nodeCrypto, own },
			...{ judge: nobody, judgeSigned: nobody },
			...{ certified: nobody, certifiedAgent: nobody },
		},
		signer: {
			algorithm: own.algorithm,
			publicKey: own.publicKey,
			sign: async () => nobody(),
		},
		now: Date.now,
	};
}

function workOf(view: EcashOrderView): EcashWork {
	const { request, kind, terms, state, amount, fee, returned } = view;
	const { invoice, expires, token, preimage, error } = view;
	return {
		...{ request: hex(request), kind, state, amount, fee, returned },
		mint: terms.url,
		...(invoice === undefined ? {} : { invoice }),
		...(expires === undefined
			? {}
			: { expires: new Date(expires).toISOString() }),
		...(token === undefined ? {} : { token }),
		...(preimage === undefined ? {} : { preimage }),
		...(error === undefined ? {} : { error }),
		ordered: new Date(view.asked).toISOString(),
		...moneyOf(terms),
	};
}

function errorOf({ error, state }: EcashOrderView): TetradError {
	if (error === undefined)
		return new TetradError("issuer-refused", `it was not done: ${state}`);
	const { code, reason } = error;
	return new TetradError(isErrorCode(code) ? code : "internal", reason);
}

function notTakenDown(home: string): TetradError {
	return new TetradError(
		"timed-out",
		`the module that runs has not taken it down yet; the order waits in ${home}/orders`,
	);
}

function notTaken(): TetradError {
	return new TetradError(
		"busy",
		"the module has not done it, most likely because its mint does not answer; nothing has changed, and its log says why",
	);
}
