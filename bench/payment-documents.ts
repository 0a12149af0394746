import { nodeCrypto, type SignatureAlgorithm } from "../src/crypto/index.ts";
import { SoftwareAuthority } from "../src/device/authority/software-authority.ts";
import {
	type CertifiedDevice,
	type Signer,
	validateChain,
} from "../src/identity/index.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import {
	draftNote,
	draftReceipt,
	draftTransfer,
	FIRST_HEAD,
	openReceipt,
	parseNote,
	parseTransfer,
	verifyNote,
	verifyTransfer,
} from "../src/money/index.ts";

const DAY_MS = 86_400_000;

interface Party {
	readonly signer: Signer;
	readonly device: CertifiedDevice;
}

/**
 * The documents of payments out of one note, each of one minor unit: what payer and payee sign and
 * verify, and nothing else. Chains are known from the tetrad; the note is verified each time, as a
 * payee does that sees it for the first time.
 */
export class PaymentDocuments {
	readonly #issuer: Party;
	readonly #payer: Party;
	readonly #payee: Party;
	readonly #note: Uint8Array;
	readonly #noteId: Uint8Array;
	readonly #now = Date.now();
	#paid = 0n;

	private constructor(
		[issuer, payer, payee]: readonly [Party, Party, Party],
		note: { readonly document: Uint8Array; readonly id: Uint8Array },
	) {
		this.#issuer = issuer;
		this.#payer = payer;
		this.#payee = payee;
		this.#note = note.document;
		this.#noteId = note.id;
	}

	static async make(algorithm: SignatureAlgorithm): Promise<PaymentDocuments> {
		const bank = await SoftwareAuthority.create("bank", "Bank", algorithm);
		const party = async (name: string): Promise<Party> => {
			const signer = generateSoftwareKey(algorithm);
			const chain = await bank.issue(name, signer);
			const device = validateChain(
				nodeCrypto,
				chain,
				"module",
				[bank.anchor],
				Date.now(),
			);
			return { signer, device };
		};
		const issuer = await party("issuer");
		const payer = await party("payer");
		const draft = draftNote({
			issuer: issuer.device.deviceId,
			issuerCertificate: issuer.device.certificateId,
			currency: { code: "PLAY", exponent: 2 },
			isPlay: true,
			value: 2n ** 40n,
			issued: Date.now(),
			expires: Date.now() + DAY_MS,
			holder: payer.device.deviceId,
			holderKey: payer.signer,
			serial: nodeCrypto.random(32),
		});
		const signature = await issuer.signer.sign(draft.toSign);
		return new PaymentDocuments(
			[issuer, payer, await party("payee")],
			draft.sign(nodeCrypto, signature),
		);
	}

	/** Payer: sign the transfer. Payee: verify note and transfer, sign the receipt. Payer: verify the receipt. */
	async pay(): Promise<void> {
		const [payer, payee] = [this.#payer, this.#payee];
		const contract = nodeCrypto.random(32);
		const draft = draftTransfer({
			payer: payer.device.deviceId,
			payee: payee.device.deviceId,
			issuer: this.#issuer.device.deviceId,
			currency: "PLAY",
			amount: 1n,
			contract,
			binding: contract,
			parties: contract,
			pieces: [{ noteId: this.#noteId, offset: this.#paid++, amount: 1n }],
			purpose: "payment",
		});
		const { document } = draft.sign(
			nodeCrypto,
			await payer.signer.sign(draft.toSign),
		);

		const note = verifyNote(
			nodeCrypto,
			parseNote(nodeCrypto, this.#note),
			this.#issuer.device,
		);
		const {
			value: { transfer },
		} = verifyTransfer(nodeCrypto, parseTransfer(nodeCrypto, document), [note]);
		const receipt = draftReceipt({
			contract: transfer.contract,
			transfer: transfer.id,
			payee: payee.device.deviceId,
			amount: transfer.amount,
			accepted: this.#now,
			head: FIRST_HEAD,
		});
		const signed = receipt.sign(await payee.signer.sign(receipt.toSign));

		openReceipt(nodeCrypto, signed, payee.device);
	}
}
