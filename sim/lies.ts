/*
 * Devices that lie. A liar is a real device, whose messages are altered before they are sealed: by a
 * rule, which a step of the plan names. Nobody honest may lose by it, or believe what it says of a
 * contract where a rule says so; whoever lies may lose, and may be accused.
 */
import {
	draftReceipt,
	draftTransfer,
	messages,
	parseTransfer,
	purseTables,
	readReceipt,
	saleTables,
	type TransferBody,
} from "../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
	type Contract,
	type ContractBody,
	draftContract,
	parseContract,
} from "../src/trade/documents/index.ts";
import { MerchandiseReceiver } from "../src/trade/merchandise/index.ts";
import { copy, enc, hex, sameBytes } from "../src/wire/index.ts";
import type { Device } from "./device.ts";
import { LOCK_LIES } from "./lock-lies.ts";
import type { Tetrad } from "./tetrad.ts";

const { BETWEEN_MODULES, WITH_AGENT, WITH_ISSUER, body, message } = messages;

/** What nobody honest may do because of a lie: say that of a contract or a transfer, or have it, or notes of it, in that table. */
export interface Believing {
	readonly id: Uint8Array;
	/** The first byte of a message, or the name of a table. */
	readonly as: number | string;
}

/** Whoever lies, in one tetrad. */
export interface Liar {
	readonly device: Device;
	readonly tetrad: Tetrad;
	/** What it remembers, in this tetrad and in others. */
	readonly memory: Map<string, unknown>;
	forbid(believing: Believing): void;
	/** Signs in the name of another device, which is in league with it. */
	signFor(name: string, content: Uint8Array): Uint8Array;
	random(length: number): Uint8Array;
}

const HEAD_HASH_BYTES = 32;
/** Above what any purse of a world comes to. */
const MADE_UP_NUMBER = 1_000_000n;

/** Who can tell a lie. */
export type LiarKind =
	| "buyer-agent"
	| "buyer-module"
	| "merchant-agent"
	| "merchant-module"
	| "issuer-module";

export interface Lie {
	readonly by: LiarKind;
	/** What it says in the place of a message. */
	says(
		liar: Liar,
		to: "agent" | "module",
		bytes: Uint8Array,
	): readonly Uint8Array[];
}

/** A rule for messages of one kind; all others stay as they are. */
function lie<Value>(
	by: LiarKind,
	kind: { readonly type: number } & Parameters<typeof body<Value>>[0],
	alter: (liar: Liar, said: Value, bytes: Uint8Array) => readonly Uint8Array[],
): Lie {
	return {
		by,
		says: (liar, _, bytes) =>
			bytes[0] === kind.type
				? alter(liar, body(kind, copy(bytes)), bytes)
				: [bytes],
	};
}

/** A transfer that says something else than what was agreed, well signed. */
function otherTransfer(
	alter: (transfer: TransferBody, liar: Liar) => Partial<TransferBody>,
): Lie {
	return lie("buyer-module", BETWEEN_MODULES.deliver, (liar, said) => {
		const { device } = liar;
		const transfer = parseTransfer(device.crypto, said.transfer);
		const changed = { ...transfer, ...alter(transfer, liar) };
		const { toSign, sign } = draftTransfer(changed);
		const { document, id } = sign(device.crypto, device.sign(toSign));
		// It may tell the truth later, in another transfer.
		liar.forbid({ id, as: "receipts" });
		return [message(BETWEEN_MODULES.deliver, { ...said, transfer: document })];
	});
}

/** A contract that is another than what was offered or sealed, well signed. */
function otherContract(
	alter: (contract: Contract, liar: Liar) => Partial<ContractBody> | undefined,
	isBad = true,
): Lie {
	return lie("merchant-agent", BETWEEN_AGENTS.contract, (liar, said) => {
		const contract = parseContract(liar.device.crypto, said.document);
		const { document, hash } = signedAnew(liar, contract, alter);
		// Without anything to put in its place it is the true one.
		if (isBad && !sameBytes(hash, contract.hash))
			liar.forbid({ id: hash, as: ABOUT_PURCHASES.buy.type });
		return [message(BETWEEN_AGENTS.contract, { ...said, document })];
	});
}

/** A buyer's agent has its module pay for something else, with a merchant's agent in league. */
function otherPurchase(
	alter: (contract: Contract, liar: Liar) => Partial<ContractBody>,
): Lie {
	return lie("buyer-agent", ABOUT_PURCHASES.buy, (liar, said) => {
		const contract = parseContract(liar.device.crypto, said.document);
		const { document, hash } = signedAnew(liar, contract, alter);
		for (const as of ["payments", BETWEEN_MODULES.prepare.type])
			liar.forbid({ id: hash, as });
		return [message(ABOUT_PURCHASES.buy, { ...said, document })];
	});
}

function signedAnew(
	liar: Liar,
	contract: Contract,
	alter: (contract: Contract, liar: Liar) => Partial<ContractBody> | undefined,
): Contract {
	const { device, tetrad } = liar;
	const changes = alter(contract, liar);
	if (changes === undefined) return contract;
	const { toSign, sign } = draftContract({ ...contract, ...changes });
	const seller = tetrad.parties[tetrad.place === "A" ? "B" : "A"].name;
	const isOwn = sameBytes(contract.sellerAgent, device.own.deviceId);
	return sign(
		device.crypto,
		isOwn ? device.sign(toSign) : liar.signFor(seller, toSign),
	);
}

/** A head that a witness makes up for a purse: always the same one. */
function headFor(liar: Liar, purse: string) {
	const { memory } = liar;
	const known = memory.get(`head of ${purse}`);
	const made =
		known instanceof Uint8Array ? known : liar.random(HEAD_HASH_BYTES);
	memory.set(`head of ${purse}`, made);
	return { number: MADE_UP_NUMBER, hash: made };
}

function flipped(bytes: Uint8Array): Uint8Array {
	const other = copy(bytes);
	other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
	return other;
}

/** By the names that plans have for them. */
export const LIES: Readonly<Record<string, Lie>> = {
	...LOCK_LIES,

	// A module that pays.

	/** Offers notes that their issuer never signed. */
	"false notes": lie("buyer-module", BETWEEN_MODULES.prepare, (liar, said) => {
		const { contract } = said;
		liar.forbid({ id: contract, as: BETWEEN_MODULES.prepared.type });
		const notes = said.notes.map(flipped);
		return [message(BETWEEN_MODULES.prepare, { ...said, notes })];
	}),
	/** Offers good notes, and delivers others. */
	"other notes": lie("buyer-module", BETWEEN_MODULES.deliver, (liar, said) => {
		const notes = said.notes.map(flipped);
		liar.forbid({ id: enc(...notes), as: "receipts" });
		return [message(BETWEEN_MODULES.deliver, { ...said, notes })];
	}),
	/** Delivers what it has not signed. */
	"no signature": lie("buyer-module", BETWEEN_MODULES.deliver, (liar, said) => {
		const transfer = flipped(said.transfer);
		liar.forbid({ id: transfer, as: "receipts" });
		return [message(BETWEEN_MODULES.deliver, { ...said, transfer })];
	}),
	/** Offers notes of another issuer for the money that is asked for. */
	"money of others": lie(
		"buyer-module",
		BETWEEN_MODULES.prepare,
		(liar, said) => {
			const { disk } = liar.device;
			const note = disk
				.rows(purseTables.NOTES)
				.find(
					({ issuer, value, state }) =>
						!sameBytes(issuer, said.issuer) &&
						state === "live" &&
						value >= said.amount,
				);
			const chain = disk
				.rows(purseTables.ISSUER_CHAINS)
				.find(({ hash }) => note !== undefined && sameBytes(hash, note.chain));
			if (note === undefined || chain === undefined)
				return [message(BETWEEN_MODULES.prepare, said)];
			liar.forbid({ id: said.contract, as: BETWEEN_MODULES.prepared.type });
			const [notes, chains] = [[note.document], [chain.chain]];
			return [message(BETWEEN_MODULES.prepare, { ...said, notes, chains })];
		},
	),
	/** Offers less than what is asked for. */
	"a lower price": lie(
		"buyer-module",
		BETWEEN_MODULES.prepare,
		(liar, said) => {
			if (said.amount === 1n) return [message(BETWEEN_MODULES.prepare, said)];
			const { contract } = said;
			liar.forbid({ id: contract, as: BETWEEN_MODULES.prepared.type });
			const amount = said.amount - 1n;
			return [message(BETWEEN_MODULES.prepare, { ...said, amount })];
		},
	),
	"a smaller sum": otherTransfer(({ amount, pieces: [first, ...rest] }) =>
		first === undefined || first.amount === 1n
			? { binding: new Uint8Array(32) }
			: {
					amount: amount - 1n,
					pieces: [{ ...first, amount: first.amount - 1n }, ...rest],
				},
	),
	"another binding": otherTransfer((_, liar) => ({
		binding: liar.random(32),
	})),
	"other parties": otherTransfer((_, liar) => ({ parties: liar.random(32) })),
	"another contract": otherTransfer((_, liar) => ({
		contract: liar.random(32),
	})),
	/** No sale, so that no terms have to fit. */
	"no sale": otherTransfer(({ purpose }) => ({
		purpose: purpose === "sale" ? "payment" : "sale",
	})),
	/** Delivers to everybody what it once delivered to somebody. */
	"a transfer of others": lie(
		"buyer-module",
		BETWEEN_MODULES.prepare,
		({ memory }, _, bytes) => {
			const old = memory.get("delivered");
			return old instanceof Uint8Array ? [old, bytes] : [bytes];
		},
	),
	// A module that is paid.

	/** Says that it has not got what it has got. */
	denial: lie("merchant-module", BETWEEN_MODULES.accepted, (_, { receipt }) => [
		message(BETWEEN_MODULES.refused, {
			contract: readReceipt(receipt).contract,
			code: "payment-refused",
			reason: "nothing came",
		}),
	]),
	"a wrong key": lie("merchant-module", BETWEEN_MODULES.accepted, (_, said) => [
		message(BETWEEN_MODULES.accepted, {
			...said,
			key: said.key && flipped(said.key),
		}),
	]),
	"no key": lie("merchant-module", BETWEEN_MODULES.accepted, (_, said) => [
		message(BETWEEN_MODULES.accepted, { ...said, key: undefined }),
	]),
	"a receipt for less": lie(
		"merchant-module",
		BETWEEN_MODULES.accepted,
		({ device }, said) => {
			const { amount, ...others } = readReceipt(said.receipt);
			const draft = draftReceipt({ ...others, amount: amount + 1n });
			const receipt = draft.sign(device.sign(draft.toSign));
			return [message(BETWEEN_MODULES.accepted, { ...said, receipt })];
		},
	),
	"a wrong invoice": lie(
		"merchant-module",
		BETWEEN_MODULES.prepared,
		(_, said) => [
			message(BETWEEN_MODULES.prepared, { ...said, tag: flipped(said.tag) }),
		],
	),
	silence: lie("merchant-module", BETWEEN_MODULES.accepted, () => []),

	// A buyer's agent, to its own module.

	/** Has a purchase called off, and asks for it all the same, again and again. */
	"cancelled before": lie(
		"buyer-agent",
		ABOUT_PURCHASES.buy,
		({ device, tetrad, memory }, said, bytes) => {
			const { hash: contract } = parseContract(device.crypto, said.document);
			if (memory.has(`cancelled ${hex(contract)}`)) return [bytes];
			memory.set(`cancelled ${hex(contract)}`, true);
			for (const wait of [2, 3, 4, 5, 6, 8, 12, 20])
				device.later(() => tetrad.send("module", bytes), wait);
			return [message(ABOUT_PURCHASES.cancel, { contract }), bytes];
		},
	),
	"cancelled in between": lie(
		"buyer-agent",
		ABOUT_PURCHASES.buy,
		({ device }, said, bytes) => {
			const { hash: contract } = parseContract(device.crypto, said.document);
			const cancel = message(ABOUT_PURCHASES.cancel, { contract });
			return [bytes, cancel, bytes, cancel, bytes];
		},
	),
	"final before": lie(
		"buyer-agent",
		ABOUT_PURCHASES.buy,
		({ device }, said, bytes) => {
			const { hash: contract } = parseContract(device.crypto, said.document);
			return [bytes, message(ABOUT_PURCHASES.final, { contract })];
		},
	),
	"another item": lie("buyer-agent", ABOUT_PURCHASES.buy, (liar, said) => {
		const { crypto } = liar.device;
		const { hash: contract } = parseContract(crypto, said.document);
		liar.forbid({ id: contract, as: "payments" });
		const salt = flipped(said.salt);
		return [message(ABOUT_PURCHASES.buy, { ...said, salt })];
	}),
	"other decimals": lie("buyer-agent", ABOUT_PURCHASES.buy, (liar, said) => {
		const { crypto } = liar.device;
		const { hash: contract } = parseContract(crypto, said.document);
		liar.forbid({ id: contract, as: "payments" });
		const money = { ...said.money, exponent: said.money.exponent + 1 };
		return [message(ABOUT_PURCHASES.buy, { ...said, money })];
	}),
	/** Asks for the purchase of another tetrad. */
	"a contract of before": lie(
		"buyer-agent",
		ABOUT_PURCHASES.buy,
		({ memory }, said, bytes) => {
			const before = memory.get("contract");
			memory.set("contract", said.document);
			return before instanceof Uint8Array
				? [message(ABOUT_PURCHASES.buy, { ...said, document: before }), bytes]
				: [bytes];
		},
	),
	/** Tells of a head that its module's purse never had. */
	"a head that never was": lie("buyer-agent", WITH_AGENT.witness, (liar) => [
		message(WITH_AGENT.witness, headFor(liar, "its module")),
	]),
	"another exporter": otherPurchase((_, liar) => ({
		exporterHash: liar.random(32),
	})),
	"another tetrad": otherPurchase((_, liar) => ({ binding: liar.random(32) })),
	"another buyer": otherPurchase((_, { tetrad }) => ({
		buyerAgent: tetrad.parties.X.deviceId,
	})),
	"another currency": otherPurchase(() => ({ currency: "GOLD" })),

	// A merchant's agent, to a buyer's.

	"a higher price": otherContract(({ amount }) => ({ amount: amount + 1n })),
	"another root": otherContract((_, liar) => ({
		plaintextRoot: liar.random(32),
	})),
	"a certificate of others": otherContract(
		({ certificate, ...contract }, liar) => {
			const { device } = liar;
			const other = device.world.merchants
				.flatMap(({ module }) => module.disk.rows(saleTables.SELLING_SECRETS))
				.find(
					(secret) =>
						!sameBytes(secret.certificate, certificate) &&
						!sameBytes(secret.agent, contract.sellerAgent) &&
						sameBytes(secret.issuer, contract.issuer),
				);
			return other && { certificate: other.certificate };
		},
	),
	"a longer merchandise": otherContract(({ length }) => ({
		length: length + 1n,
	})),
	"a sale to others": otherContract((_, { tetrad }) => ({
		buyerModule: tetrad.parties[tetrad.place === "A" ? "B" : "A"].deviceId,
	})),
	"an exporter of others": otherContract((_, liar) => ({
		exporterHash: liar.random(32),
	})),
	/** Sends a chunk that is none of what it signs for. */
	"another chunk": {
		by: "merchant-agent",
		says(liar, _, bytes) {
			const { memory } = liar;
			if (bytes[0] === BETWEEN_AGENTS.chunk.type) {
				const said = body(BETWEEN_AGENTS.chunk, copy(bytes));
				memory.set("chunk", true);
				const sealed = flipped(said.sealed);
				return [message(BETWEEN_AGENTS.chunk, { ...said, sealed })];
			}
			if (bytes[0] === BETWEEN_AGENTS.contract.type) {
				const { document } = body(BETWEEN_AGENTS.contract, copy(bytes));
				const { hash: contract } = parseContract(liar.device.crypto, document);
				liar.forbid({ id: contract, as: ABOUT_PURCHASES.buy.type });
			}
			return [bytes];
		},
	},
	/** Signs for chunks that no key opens. */
	"goods that do not open": {
		by: "merchant-agent",
		says(liar, to, bytes) {
			const { memory, device } = liar;
			if (bytes[0] === BETWEEN_AGENTS.merchandise.type) {
				const { contractId } = body(BETWEEN_AGENTS.merchandise, copy(bytes));
				memory.set(
					"sealed",
					new MerchandiseReceiver(device.crypto, copy(contractId)),
				);
			}
			const sealing = memory.get("sealed");
			if (!(sealing instanceof MerchandiseReceiver)) return [bytes];
			if (bytes[0] === BETWEEN_AGENTS.chunk.type) {
				const said = body(BETWEEN_AGENTS.chunk, copy(bytes));
				const chunk = { ...said, sealed: flipped(said.sealed) };
				// What is fetched later is no part of what is signed.
				if (said.index === sealing.count) sealing.take(chunk);
				return [message(BETWEEN_AGENTS.chunk, chunk)];
			}
			if (bytes[0] !== BETWEEN_AGENTS.contract.type) return [bytes];
			const { ciphertextRoot } = sealing.finish();
			return otherContract(() => ({ ciphertextRoot }), false).says(
				liar,
				to,
				bytes,
			);
		},
	},
	/** Sends everything but the contract. */
	"no contract": lie("merchant-agent", BETWEEN_AGENTS.contract, () => []),

	// An issuer's module, whose ledger has what is right: it is asked again when it tells the truth.

	/** Tells each purse of a head that it never had. */
	"heads that never were": lie(
		"issuer-module",
		WITH_ISSUER.welcome,
		(liar, said) => [
			message(WITH_ISSUER.welcome, {
				...said,
				...headFor(liar, liar.tetrad.parties.X.name),
			}),
		],
	),
	/** Declines what it has resolved. */
	"no outcome": lie("issuer-module", WITH_ISSUER.outcome, (_, { request }) => [
		message(WITH_ISSUER.declined, {
			request,
			code: "payment-refused",
			reason: "not now",
		}),
	]),
	/** Declines a deposit that it has booked. What it declines of claims is not asked for again within an hour. */
	"nothing booked": lie("issuer-module", WITH_ISSUER.booked, (liar, said) => {
		const { request } = said;
		const { device, tetrad } = liar;
		const asking = device.world.devices.get(tetrad.parties.X.name);
		const isDeposit = asking?.disk
			.rows(purseTables.REQUESTS)
			.some((row) => sameBytes(row.request, request) && row.kind === "deposit");
		if (isDeposit !== true) return [message(WITH_ISSUER.booked, said)];
		const why = { code: "payment-refused", reason: "not now" };
		return [message(WITH_ISSUER.declined, { request, ...why })];
	}),

	// Any module.

	/** Says nothing else than it would: its owner has a second copy of the purse. */
	"a second copy": { by: "buyer-module", says: (_, __, bytes) => [bytes] },
};

/** What witnesses do who make up heads. */
export const MAKES_UP: ReadonlySet<Lie> = new Set(
	["a head that never was", "heads that never were"].flatMap(
		(name) => LIES[name] ?? [],
	),
);

/** Signs whatever a liar asks for, and says what it would. */
export const IN_LEAGUE: Lie = {
	by: "merchant-agent",
	says: (_, __, bytes) => [bytes],
};
