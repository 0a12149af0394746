import { nodeCrypto, type SignatureAlgorithm } from "../../src/crypto/index.ts";
import {
	type CertifiedDevice,
	type Signer,
	validateChain,
} from "../../src/identity/index.ts";
import {
	type Contract,
	type ContractBody,
	type ContractTerms,
	draftContract,
	draftSellingCertificate,
	exporterHash,
	goodsKey,
	keyHash,
	secretHash,
	sellingSecret,
	termsHash,
} from "../../src/trade/documents/index.ts";
import { filled } from "../money/documents.ts";
import { DAY, makeWorld, TEST_NOW, type World } from "../support/authority.ts";

/** A certified device, its key, and its chain. */
export interface TradeParty {
	readonly signer: Signer;
	readonly chain: Uint8Array;
	readonly device: CertifiedDevice;
}

export type TradePlace =
	| "buyerAgent"
	| "buyerModule"
	| "sellerAgent"
	| "sellerModule"
	| "issuer"
	| "strangerAgent"
	| "strangerModule";

const AGENTS: readonly TradePlace[] = [
	"buyerAgent",
	"sellerAgent",
	"strangerAgent",
];

/** An agency, a bank, an issuer, a buyer, a merchant and strangers, and the documents that they would write. */
export class TradeWorld {
	readonly world: World;
	readonly parties: Readonly<Record<TradePlace, TradeParty>>;
	/** The issuer's. */
	readonly master: Uint8Array = filled(32, 0x3a);
	/** What the tetrad of buyer and merchant exports. */
	readonly exporter: Uint8Array = filled(32, 0xe0);
	readonly binding: Uint8Array = filled(32, 0xb1);
	#ids = 0;

	private constructor(
		world: World,
		parties: Readonly<Record<TradePlace, TradeParty>>,
	) {
		this.world = world;
		this.parties = parties;
	}

	static async make(
		algorithm: SignatureAlgorithm = "Ed25519",
	): Promise<TradeWorld> {
		const world = await makeWorld({ algorithm });
		const place = async (name: TradePlace): Promise<TradeParty> => {
			const role = AGENTS.includes(name) ? "agent" : "module";
			const { signer, chain } = await world[role](
				`${name.toLowerCase()}.example`,
			);
			const { agencies, banks } = world.policy;
			const anchors = role === "agent" ? agencies : banks;
			const device = validateChain(nodeCrypto, chain, role, anchors, TEST_NOW);
			return { signer, chain, device };
		};
		return new TradeWorld(world, {
			buyerAgent: await place("buyerAgent"),
			buyerModule: await place("buyerModule"),
			sellerAgent: await place("sellerAgent"),
			sellerModule: await place("sellerModule"),
			issuer: await place("issuer"),
			strangerAgent: await place("strangerAgent"),
			strangerModule: await place("strangerModule"),
		});
	}

	idOf(place: TradePlace): Uint8Array {
		return this.parties[place].device.deviceId;
	}

	/** The merchant's selling secret, or another seller's. */
	secret(
		generation = 1,
		module: TradePlace = "sellerModule",
		agent: TradePlace = "sellerAgent",
	): Uint8Array {
		return sellingSecret(nodeCrypto, this.master, {
			module: this.idOf(module),
			agent: this.idOf(agent),
			generation,
		});
	}

	/** The issuer's certificate of that secret. */
	async certificate(
		generation = 1,
		module: TradePlace = "sellerModule",
		agent: TradePlace = "sellerAgent",
		signer: TradePlace = "issuer",
	): Promise<Uint8Array> {
		const { device } = this.parties.issuer;
		const { toSign, sign } = draftSellingCertificate({
			issuer: device.deviceId,
			issuerCertificate: device.certificateId,
			module: this.idOf(module),
			agent: this.idOf(agent),
			generation,
			secretHash: secretHash(
				nodeCrypto,
				this.secret(generation, module, agent),
			),
			issued: TEST_NOW,
		});
		return sign(await this.parties[signer].signer.sign(toSign));
	}

	/** The terms of a sale between the two, unless told otherwise. Each has an id of its own. */
	async terms(changes: Partial<ContractTerms> = {}): Promise<ContractTerms> {
		const id = new Uint8Array(16);
		new DataView(id.buffer).setUint32(12, ++this.#ids);
		return {
			id,
			made: TEST_NOW,
			buyerAgent: this.idOf("buyerAgent"),
			buyerModule: this.idOf("buyerModule"),
			sellerAgent: this.idOf("sellerAgent"),
			sellerModule: this.idOf("sellerModule"),
			binding: this.binding,
			rail: "own-notes",
			issuer: this.idOf("issuer"),
			currency: "EUR",
			amount: 1250n,
			item: filled(32, 0x17),
			plaintextRoot: filled(32, 0x91),
			length: 100n,
			exporterHash: exporterHash(nodeCrypto, this.exporter),
			payBy: TEST_NOW + 120_000,
			bookBy: TEST_NOW + DAY,
			certificate: await this.certificate(),
			...changes,
		};
	}

	/** The key that an honest merchant's module has for these terms. */
	keyOf(terms: ContractTerms, secret: Uint8Array = this.secret()): Uint8Array {
		return goodsKey(nodeCrypto, secret, termsHash(nodeCrypto, terms));
	}

	/** A contract by the merchant's agent, with the right key unless told otherwise. */
	async contract(
		changes: Partial<ContractBody> = {},
		signer: TradePlace = "sellerAgent",
	): Promise<Contract> {
		const terms = await this.terms(changes);
		const draft = draftContract({
			keyHash: keyHash(nodeCrypto, this.keyOf(terms)),
			ciphertextRoot: filled(32, 0xc7),
			...terms,
			...changes,
		});
		const signature = await this.parties[signer].signer.sign(draft.toSign);
		return draft.sign(nodeCrypto, signature);
	}
}
