import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCrypto, type SignatureAlgorithm } from "../src/crypto/index.ts";
import type { SoftwareAuthority } from "../src/device/authority/software-authority.ts";
import { AgentStore } from "../src/device/purse/agent-store.ts";
import { Payments } from "../src/device/purse/payments.ts";
import { Purse } from "../src/device/purse/purse.ts";
import type { Tetrad } from "../src/device/runtime/tetrad.ts";
import {
	type CertifiedDevice,
	type Signer,
	validateChain,
} from "../src/identity/index.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import {
	done,
	draftNote,
	type IssuerTerms,
	insert,
	loadPurse,
	MAX_AMOUNT,
	type Note,
	purseTables,
	put,
} from "../src/money/index.ts";
import { openSqliteStore } from "../src/store/index.ts";
import { Four, type ModuleIdentity } from "./four.ts";

const DAY_MS = 86_400_000;
const CURRENCY = { code: "PLAY", exponent: 2 } as const;
const VALUE = 2n ** 40n;

/**
 * Notes in the payer's purse: as many as may pay at once, because each payment takes the ranges of
 * a note in order.
 */
const NOTES = 128;

interface Issuer {
	readonly signer: Signer;
	readonly device: CertifiedDevice;
	readonly terms: IssuerTerms;
}

/** Payments from X to Y in one tetrad over TCP, both purses and the witnesses of both agents in files on a disk. */
export class WholePayments {
	readonly #four: Four;
	readonly #tetrads: readonly [Tetrad, Tetrad];
	readonly #payer: Payments;
	readonly #payee: Payments;
	readonly #issuer: Uint8Array;
	readonly #purses: readonly Purse[];
	readonly #folder: string;

	private constructor(parts: {
		readonly four: Four;
		readonly tetrads: readonly [Tetrad, Tetrad];
		readonly payments: readonly [Payments, Payments];
		readonly issuer: Uint8Array;
		readonly purses: readonly Purse[];
		readonly folder: string;
	}) {
		this.#four = parts.four;
		this.#tetrads = parts.tetrads;
		[this.#payer, this.#payee] = parts.payments;
		this.#issuer = parts.issuer;
		this.#purses = parts.purses;
		this.#folder = parts.folder;
	}

	static async make(algorithm: SignatureAlgorithm): Promise<WholePayments> {
		const folder = await mkdtemp(join(tmpdir(), "tetrad-bench-"));
		let issuer: Issuer | undefined;
		const purses: Purse[] = [];
		const four = await Four.make(algorithm, {
			async purseOf(module) {
				issuer ??= await makeIssuer(algorithm, module.bank);
				const path = join(folder, `${module.place}.db`);
				if (module.place === "X") await fill(path, module, issuer);
				const limits = { software: MAX_AMOUNT, token: 0n, tpm: 0n };
				const purse = await Purse.open({
					path,
					issuers: [{ terms: issuer.terms, undeposited: limits }],
				});
				purses.push(purse);
				return purse;
			},
		});
		if (issuer === undefined) throw new Error("no purse was asked for");
		const tetrads = await four.meet();
		const [a, b] = tetrads;
		const talk = async (tetrad: Tetrad) => {
			const home = join(folder, tetrad.place);
			await mkdir(home);
			return new Payments(tetrad, { witness: await AgentStore.open(home) });
		};
		return new WholePayments({
			four,
			tetrads,
			payments: [await talk(a), await talk(b)],
			issuer: issuer.device.deviceId,
			purses,
			folder,
		});
	}

	/** Of one minor unit: until both agents have the receipt. */
	async pay(): Promise<void> {
		const payment = {
			contract: nodeCrypto.random(32),
			issuer: this.#issuer,
			currency: CURRENCY.code,
			amount: 1n,
		};
		await this.#payee.expect(payment);
		await Promise.all([
			this.#payer.pay(payment),
			this.#payee.received(payment.contract),
		]);
	}

	/** So many payments, at most `concurrent` of them under way. */
	async payMany(count: number, concurrent: number): Promise<void> {
		let left = count;
		const payer = async () => {
			while (left-- > 0) await this.pay();
		};
		await Promise.all(Array.from({ length: concurrent }, payer));
	}

	async close(): Promise<void> {
		await Promise.all(this.#tetrads.map((tetrad) => tetrad.close()));
		await this.#four.close();
		for (const purse of this.#purses) await purse[Symbol.asyncDispose]();
		await rm(this.#folder, { recursive: true, force: true });
	}
}

async function makeIssuer(
	algorithm: SignatureAlgorithm,
	bank: SoftwareAuthority,
): Promise<Issuer> {
	const signer = generateSoftwareKey(algorithm);
	const device = judge(bank, await bank.issue("issuer", signer));
	const { deviceId: issuer, name } = device;
	return {
		signer,
		device,
		terms: { issuer, name, currency: CURRENCY, isPlay: true },
	};
}

function judge(bank: SoftwareAuthority, chain: Uint8Array): CertifiedDevice {
	return validateChain(nodeCrypto, chain, "module", [bank.anchor], Date.now());
}

/** Puts notes that the issuer signed into a purse, as if it had withdrawn them. */
async function fill(
	path: string,
	{ bank, chain, signer }: ModuleIdentity,
	issuer: Issuer,
): Promise<void> {
	const holder = judge(bank, chain);
	const notes: Note[] = [];
	for (let i = 0; i < NOTES; i++) {
		const draft = draftNote({
			issuer: issuer.device.deviceId,
			issuerCertificate: issuer.device.certificateId,
			currency: CURRENCY,
			isPlay: true,
			value: VALUE,
			issued: Date.now() - 1000,
			expires: Date.now() + 30 * DAY_MS,
			holder: holder.deviceId,
			holderKey: signer,
			serial: nodeCrypto.random(32),
		});
		const signature = await issuer.signer.sign(draft.toSign);
		notes.push(draft.sign(nodeCrypto, signature));
	}
	const { chainHash, encodedChain } = issuer.device;
	const schema = purseTables.PURSE_SCHEMA;
	await using store = await openSqliteStore({ path, schema });
	await store.transact(loadPurse(nodeCrypto));
	await store.transact(
		done(
			[
				put(purseTables.ISSUER_CHAINS, {
					hash: chainHash,
					chain: encodedChain,
				}),
				...notes.map((note) =>
					insert(purseTables.NOTES, {
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
