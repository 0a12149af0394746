import { carryOut, type Handlers } from "../sim/routing.ts";
import { nodeCrypto } from "../src/crypto/index.ts";
import { SoftwareAuthority } from "../src/device/authority/software-authority.ts";
import {
	type CertifiedDevice,
	ChainVerdicts,
	type Signer,
	validateChain,
} from "../src/identity/index.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import {
	done,
	draftNote,
	draftTransfer,
	IssuerMachine,
	type IssuerReport,
	insert,
	type MoneyEffect,
	type MoneyEvent,
	messages,
	NOTES,
	type Note,
	openAccount,
	type Store,
	type Write,
} from "../src/money/index.ts";

const { WITH_ISSUER, body, message } = messages;

const DAY_MS = 86_400_000;
const CURRENCY = { code: "PLAY", exponent: 2 } as const;

/** Modules that deposit, in turn, and so accounts. */
const PAYEES = 64;

/** Notes that one transaction puts into the ledger. */
const NOTES_AT_ONCE = 200;

interface Party {
	readonly signer: Signer;
	readonly device: CertifiedDevice;
}

/** A bank, an issuer, a payer whose transfers are deposited, and payees who do that. */
export class DepositWorld {
	readonly bank: SoftwareAuthority;
	readonly issuer: Party;
	readonly payer: Party;
	readonly payees: readonly Party[];

	private constructor(bank: SoftwareAuthority, parties: readonly Party[]) {
		const [issuer, payer, ...payees] = parties as [Party, Party, ...Party[]];
		this.bank = bank;
		this.issuer = issuer;
		this.payer = payer;
		this.payees = payees;
	}

	static async make(): Promise<DepositWorld> {
		const bank = await SoftwareAuthority.create("bank", "Bank");
		const parties: Party[] = [];
		for (let i = 0; i < PAYEES + 2; i++) {
			const signer = generateSoftwareKey("P-256");
			const chain = await bank.issue(`module-${i}`, signer);
			const anchors = [bank.anchor];
			const device = validateChain(
				nodeCrypto,
				chain,
				"module",
				anchors,
				Date.now(),
			);
			parties.push({ signer, device });
		}
		return new DepositWorld(bank, parties);
	}

	/** A note to the payer, really signed. */
	async note(): Promise<Note> {
		const { issuer, payer } = this;
		const draft = draftNote({
			issuer: issuer.device.deviceId,
			issuerCertificate: issuer.device.certificateId,
			currency: CURRENCY,
			isPlay: true,
			value: 1000n,
			issued: Date.now() - 1000,
			expires: Date.now() + 30 * DAY_MS,
			holder: payer.device.deviceId,
			holderKey: payer.signer,
			serial: nodeCrypto.random(32),
		});
		return draft.sign(nodeCrypto, await issuer.signer.sign(draft.toSign));
	}

	/** The request to deposit all of a note, with the payer's transfer of it to one of the payees. */
	async deposit(note: Note, payee: Party): Promise<Uint8Array> {
		const contract = nodeCrypto.random(32);
		const draft = draftTransfer({
			payer: this.payer.device.deviceId,
			payee: payee.device.deviceId,
			issuer: this.issuer.device.deviceId,
			currency: CURRENCY.code,
			amount: note.value,
			contract,
			binding: contract,
			parties: contract,
			pieces: [{ noteId: note.id, offset: 0n, amount: note.value }],
			purpose: "payment",
		});
		const signature = await this.payer.signer.sign(draft.toSign);
		return message(WITH_ISSUER.deposit, {
			request: nodeCrypto.random(16),
			transfer: draft.sign(nodeCrypto, signature).document,
			notes: [note.document],
			chains: [this.issuer.device.encodedChain],
			terms: messages.NO_TERMS,
		});
	}
}

/** A deposit that is ready to be asked for. */
interface Request {
	readonly payee: Party;
	readonly bytes: Uint8Array;
}

/** An issuer's machine on one store, without a network before it. */
export class Depositing {
	readonly #world: DepositWorld;
	readonly #store: Store;
	readonly #machine: IssuerMachine;
	readonly #answers = new Map<number, (answer: Uint8Array) => void>();
	#ready: Request[] = [];
	#tetrads = 0;

	private constructor(world: DepositWorld, store: Store) {
		const verdicts = new ChainVerdicts(nodeCrypto, {
			agencies: [],
			banks: [world.bank.anchor],
		});
		this.#world = world;
		this.#store = store;
		this.#machine = new IssuerMachine(
			{
				crypto: nodeCrypto,
				own: world.issuer.device,
				judge: (chain, now) => verdicts.judge(chain, "module", now),
				judgeSigned: (chain, at) => verdicts.judgeSigned(chain, "module", at),
				certified: (chain) => verdicts.certified(chain, "module"),
				certifiedAgent: (chain) => verdicts.certified(chain, "agent"),
			},
			{ currency: CURRENCY, isPlay: true },
		);
	}

	static async make(world: DepositWorld, store: Store): Promise<Depositing> {
		const depositing = new Depositing(world, store);
		for (const { device } of world.payees)
			await store.transact(openAccount(device.deviceId, Date.now()));
		return depositing;
	}

	/** Issues so many notes, which are paid to payees who have not deposited them yet. */
	async prepare(count: number): Promise<void> {
		const { payees, payer } = this.#world;
		for (let left = count; left > 0; left -= NOTES_AT_ONCE) {
			const writes: Write[] = [];
			for (let i = 0; i < Math.min(left, NOTES_AT_ONCE); i++) {
				const note = await this.#world.note();
				const payee = payees[i % payees.length] as Party;
				const bytes = await this.#world.deposit(note, payee);
				this.#ready.push({ payee, bytes });
				writes.push(
					insert(NOTES, {
						id: note.id,
						holder: note.holder,
						holder_certificate: payer.device.certificateId,
						request: nodeCrypto.random(16),
						value: note.value,
						issued: BigInt(note.issued),
						expires: BigInt(note.expires),
						document: note.document,
					}),
				);
			}
			await this.#store.transact(done(writes, undefined));
		}
	}

	/** Asks for all deposits that were prepared, at most `concurrent` under way. */
	async depositAll(concurrent: number): Promise<void> {
		const requests = this.#ready;
		this.#ready = [];
		const depositor = async () => {
			for (;;) {
				const request = requests.pop();
				if (request === undefined) return;
				await this.#deposit(request);
			}
		};
		await Promise.all(Array.from({ length: concurrent }, depositor));
	}

	async #deposit({ payee, bytes }: Request): Promise<void> {
		const tetrad = ++this.#tetrads;
		const [own, peer] = [this.#world.issuer.device, payee.device];
		this.#handle({
			kind: "opened",
			meeting: {
				tetrad,
				place: "Y",
				ids: {
					A: peer.deviceId,
					B: own.deviceId,
					X: peer.deviceId,
					Y: own.deviceId,
				},
				binding: new Uint8Array(32),
				exporter: new Uint8Array(32),
				peer,
				agents: { own, other: peer },
			},
		});
		const answer = await new Promise<Uint8Array>((resolve) => {
			this.#answers.set(tetrad, resolve);
			this.#handle({ kind: "from-module", tetrad, bytes });
		});
		this.#handle({ kind: "closed", tetrad });
		this.#answers.delete(tetrad);
		if (
			answer[0] !== WITH_ISSUER.booked.type ||
			body(WITH_ISSUER.booked, answer).credited !== 1000n
		)
			throw new Error("a deposit was not credited");
	}

	#handle(event: MoneyEvent): void {
		for (const effect of this.#machine.handle(event, Date.now()))
			carryOut(effect, this.#handlers);
	}

	readonly #handlers: Handlers<MoneyEffect<IssuerReport>> = {
		transact: ({ id, transaction }) => {
			void this.#store.transact(transaction).then((result) => {
				this.#handle({ kind: "written", id, result });
			});
		},
		"to-module": ({ tetrad, bytes }) => {
			this.#answers.get(tetrad)?.(new Uint8Array(bytes));
		},
		end: ({ error }) => {
			throw error;
		},
		"to-agent": () => {},
		sign: () => {},
		ask: () => {},
		report: () => {},
	};
}
