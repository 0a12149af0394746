/* Purses in four devices of one process, and notes that were put into them without an issuer. */
import { join } from "node:path";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Payments } from "../../src/device/purse/payments.ts";
import { Purse, type PurseOptions } from "../../src/device/purse/purse.ts";
import type { Witness } from "../../src/device/purse/witness.ts";
import type { Tetrad } from "../../src/device/runtime/tetrad.ts";
import {
	type CertifiedDevice,
	type Signer,
	validateChain,
} from "../../src/identity/index.ts";
import {
	done,
	draftNote,
	type Head,
	type IssuerTerms,
	insert,
	loadPurse,
	type Note,
	type PurseReport,
	purseTables,
	put,
} from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { hex } from "../../src/wire/index.ts";
import { certify, Devices, type Options, policyOf, until } from "./support.ts";

export const PLAY = { code: "PLAY", exponent: 2 } as const;

/** A certified module with its key. */
export interface Module {
	readonly device: CertifiedDevice;
	readonly identity: { readonly signer: Signer; readonly chain: Uint8Array };
}

export async function moduleOf(
	place: "X" | "Y",
	name: string,
): Promise<Module> {
	const { signer, chain } = await certify(place, name);
	const { banks } = await policyOf();
	const device = validateChain(nodeCrypto, chain, "module", banks, Date.now());
	return { device, identity: { signer, chain } };
}

export function termsOf({ device }: Module, isPlay = true): IssuerTerms {
	return {
		issuer: device.deviceId,
		name: device.name,
		currency: PLAY,
		isPlay,
	};
}

export async function mintNote(
	issuer: Pick<Module, "device" | "identity">,
	holder: Pick<CertifiedDevice, "deviceId" | "algorithm" | "publicKey">,
	value: bigint,
	now: number = Date.now(),
): Promise<Note> {
	const { deviceId, certificateId } = issuer.device;
	const draft = draftNote({
		issuer: deviceId,
		issuerCertificate: certificateId,
		currency: PLAY,
		isPlay: true,
		value,
		issued: now - 1000,
		expires: now + 30 * 86_400_000,
		holder: holder.deviceId,
		holderKey: holder,
		serial: nodeCrypto.random(32),
	});
	const signature = await issuer.identity.signer.sign(draft.toSign);
	return draft.sign(nodeCrypto, signature);
}

/** Puts notes into a purse that no process has open. */
export async function putNotes(
	path: string,
	{ device: { chainHash, encodedChain } }: Pick<Module, "device">,
	notes: readonly Note[],
): Promise<void> {
	const { NOTES, ISSUER_CHAINS, PURSE_SCHEMA } = purseTables;
	await using store = await openSqliteStore({ path, schema: PURSE_SCHEMA });
	await store.transact(loadPurse(nodeCrypto));
	await store.transact(
		done(
			[
				put(ISSUER_CHAINS, { hash: chainHash, chain: encodedChain }),
				...notes.map((note) =>
					insert(NOTES, {
						id: note.id,
						document: note.document,
						chain: chainHash,
						issuer: note.issuer,
						currency: note.currency.code,
						value: note.value,
						expires: BigInt(note.expires),
						spent: 0n,
						state: "live",
					}),
				),
			],
			undefined,
		),
	);
}

/** A witness in memory. */
export class Remembered implements Witness {
	readonly heads: Map<string, Head> = new Map();

	head(module: Uint8Array): Head | undefined {
		return this.heads.get(hex(module));
	}

	async keep(module: Uint8Array, head: Head): Promise<void> {
		this.heads.set(hex(module), head);
	}
}

const GENEROUS = {
	software: 1_000_000n,
	token: 1_000_000n,
	tpm: 1_000_000n,
} as const;

/** Two sides whose modules have purses, and an issuer that is not there. */
export class Purses implements AsyncDisposable {
	readonly folder: string;
	readonly issuer: Module;
	readonly modules: Readonly<Record<"X" | "Y", Module>>;
	readonly reports: Record<"X" | "Y", PurseReport[]> = { X: [], Y: [] };
	readonly witnesses: Readonly<Record<"A" | "B", Remembered>> = {
		A: new Remembered(),
		B: new Remembered(),
	};
	readonly #running: AsyncDisposableStack[] = [];

	static async make(folder: string): Promise<Purses> {
		return new Purses(
			folder,
			await moduleOf("Y", "mint"),
			await moduleOf("X", "alice-purse"),
			await moduleOf("Y", "bob-till"),
		);
	}

	private constructor(folder: string, issuer: Module, X: Module, Y: Module) {
		this.folder = folder;
		this.issuer = issuer;
		this.modules = { X, Y };
	}

	get terms(): IssuerTerms {
		return termsOf(this.issuer);
	}

	path(place: "X" | "Y"): string {
		return join(this.folder, `${place}.db`);
	}

	/** Puts notes of these values into the purse at X or Y. */
	async give(place: "X" | "Y", ...values: bigint[]): Promise<void> {
		const { device } = this.modules[place];
		// Each expires after the one before it, so which of them pays first does not hang on the clock.
		const now = Date.now();
		const notes = await Promise.all(
			values.map((value, at) => mintNote(this.issuer, device, value, now + at)),
		);
		await putNotes(this.path(place), this.issuer, notes);
	}

	/** Starts four devices. */
	async start(
		change: Partial<PurseOptions> = {},
		options: Options = {},
	): Promise<{ devices: Devices; X: Purse; Y: Purse } & AsyncDisposable> {
		const stack = new AsyncDisposableStack();
		this.#running.push(stack);
		const open = async (place: "X" | "Y") =>
			stack.use(
				await Purse.open({
					path: this.path(place),
					issuers: [{ terms: this.terms, undeposited: GENEROUS }],
					report: (report) => this.reports[place].push(report),
					...change,
				}),
			);
		const [X, Y] = [await open("X"), await open("Y")];
		const devices = stack.use(
			await Devices.make({
				...options,
				device: (place) =>
					place === "X" || place === "Y"
						? {
								identity: this.modules[place].identity,
								purse: place === "X" ? X : Y,
							}
						: {},
			}),
		);
		return {
			devices,
			X,
			Y,
			[Symbol.asyncDispose]: () => stack.disposeAsync(),
		};
	}

	/** A tetrad, as both agents speak with their modules in it. */
	async meet(devices: Devices): Promise<{
		A: Payments;
		B: Payments;
		tetrads: { A: Tetrad; B: Tetrad };
	}> {
		const { connecting, accepting } = devices.meet();
		const tetrads = { A: await connecting, B: await accepting };
		return {
			tetrads,
			A: new Payments(tetrads.A, { witness: this.witnesses.A }),
			B: new Payments(tetrads.B, { witness: this.witnesses.B }),
		};
	}

	/** Waits until so many reports of that kind have come. */
	reported(
		place: "X" | "Y",
		kind: PurseReport["kind"],
		count: number,
	): Promise<void> {
		return until(
			() =>
				this.reports[place].filter((report) => report.kind === kind).length >=
				count,
			`${count} reports "${kind}" at ${place}`,
		);
	}

	/** What is asked for a payment of so much. */
	payment(
		amount: bigint,
		contract: Uint8Array = nodeCrypto.random(32),
	): {
		contract: Uint8Array;
		issuer: Uint8Array;
		currency: string;
		amount: bigint;
	} {
		return {
			contract,
			issuer: this.issuer.device.deviceId,
			currency: PLAY.code,
			amount,
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const running of this.#running) await running.disposeAsync();
	}
}
