/*
 * What users' code may say, and what it may not. Nothing here runs: `npm run types` fails when a
 * line compiles that should not, or the other way round. Each `@ts-expect-error` gives the reason.
 */
import { type Address, formatAddress } from "../../src/entry/carrier.ts";
import type { CryptoProvider } from "../../src/entry/crypto.ts";
import { type Signer, validateChain } from "../../src/entry/identity.ts";
import {
	connect,
	type DeviceIdentity,
	type ErrorCode,
	formatAmount,
	type IssuerTerms,
	listen,
	MoneyModule,
	makePolicy,
	type Payment,
	Payments,
	type Policy,
	Purse,
	parseAmount,
	SoftwareAuthority,
	type Tetrad,
	type TetradError,
	type TetradEvent,
	TrustedAgent,
} from "../../src/entry/index.ts";
import { createKey, type KeyLocation } from "../../src/entry/keys.ts";
import { type Receipt, verifyNote } from "../../src/entry/money.ts";
import { type SuiteName, suiteByName } from "../../src/entry/session.ts";
import { insert, type Store, table } from "../../src/entry/store.ts";
import {
	agentInitiator,
	type DeviceContext,
	type LinkContext,
	type Place,
} from "../../src/entry/tetrad.ts";

declare const agency: SoftwareAuthority;
declare const bank: SoftwareAuthority;
declare const agent: TrustedAgent;
declare const crypto: CryptoProvider;
declare const device: DeviceContext;
declare const error: TetradError;
declare const identity: DeviceIdentity;
declare const link: LinkContext;
declare const payment: Payment;
declare const payments: Payments;
declare const policy: Policy;
declare const receipt: Receipt;
declare const store: Store;
declare const terms: IssuerTerms;
declare const tetrad: Tetrad;

const EUR = { code: "EUR", exponent: 2 };

export async function amounts(): Promise<void> {
	const amount: bigint = parseAmount("12.50", EUR);
	const text: string = formatAmount(amount, EUR);
	// @ts-expect-error: an amount is no number, which rounds beyond 2^53.
	const rounded: number = parseAmount("12.50", EUR);
	// @ts-expect-error: a number is no text of digits either.
	parseAmount(12.5, EUR);
	// @ts-expect-error: text is made of minor units, as bigint.
	formatAmount(12.5, EUR);
	// @ts-expect-error: without the currency's decimals there is no amount.
	parseAmount("12.50");
	await payments.pay({ ...payment, amount });
	// @ts-expect-error: money is paid in minor units, as bigint.
	await payments.pay({ ...payment, amount: 1250 });
	// @ts-expect-error: an amount as text is parsed first.
	await payments.pay({ ...payment, amount: text });
	// @ts-expect-error: a contract is 32 bytes, and no text.
	await payments.pay({ ...payment, contract: "00".repeat(32) });
	// @ts-expect-error: every payment says for what it pays.
	await payments.pay({ issuer: terms.issuer, currency: "EUR", amount });
	const booked: bigint = receipt.value.amount;
	// @ts-expect-error: what a receipt says was signed and does not change.
	receipt.value.amount = booked + 1n;
	void rounded;
}

export function policies(): readonly Policy[] {
	const agencies = [agency.anchor];
	const banks = [bank.anchor];
	return [
		makePolicy({ agencies, banks }),
		makePolicy({ agencies, banks, suites: ["classical-aesgcm"] }),
		makePolicy({
			agencies,
			banks,
			demands: { peerModule: { minimum: "token" } },
		}),
		// @ts-expect-error: a policy without roots trusts nobody.
		makePolicy({}),
		// @ts-expect-error: somebody has to certify modules, too.
		makePolicy({ agencies }),
		// @ts-expect-error: a root is parsed and judged before it is trusted.
		makePolicy({ agencies: [new Uint8Array()], banks }),
		// @ts-expect-error: a list that is said to be undefined is not left out.
		makePolicy({ agencies, banks, suites: undefined }),
		// @ts-expect-error: there is no such suite.
		makePolicy({ agencies, banks, suites: ["none"] }),
		// @ts-expect-error: there is no such place.
		makePolicy({ agencies, banks, demands: { stranger: {} } }),
		// @ts-expect-error: there is no such level of tamper resistance.
		makePolicy({ agencies, banks, demands: { ownModule: { minimum: "hsm" } } }),
	];
}

export async function devices(): Promise<void> {
	const made = new TrustedAgent({ identity, policy });
	const purse = await Purse.open({
		path: ":memory:",
		issuers: [{ terms, undeposited: { software: 0n, token: 0n, tpm: 0n } }],
	});
	const module = new MoneyModule({ identity, policy, purse });
	// @ts-expect-error: a device without a policy would accept anybody.
	new TrustedAgent({ identity });
	// @ts-expect-error: a device has a key, and a chain that certifies it.
	new MoneyModule({ policy });
	// @ts-expect-error: an agent holds no money.
	new TrustedAgent({ identity, policy, purse });
	// @ts-expect-error: a purse says for each level how much it takes undeposited.
	await Purse.open({ path: "", issuers: [{ terms, undeposited: {} }] });
	// @ts-expect-error: a purse is opened, because its store has to be.
	new Purse({ path: ":memory:", issuers: [] });
	// @ts-expect-error: a module talks to nobody but through its agent.
	await module.connect(await connect("shop.example:7000"));
	// @ts-expect-error: payments are asked for in a tetrad.
	new Payments(made);
	// @ts-expect-error: there is no such kind of authority.
	await SoftwareAuthority.create("issuer", "Example");
}

export async function conversations(): Promise<void> {
	await using _ = await listen("unix:agent.sock", async (carrier) => {
		await agent.accept(carrier);
	});
	await using called = await agent.connect(await connect("shop.example:7000"));
	await called.agent.send(new TextEncoder().encode("hello"));
	for await (const message of called.module) message satisfies Uint8Array;
	// @ts-expect-error: a message is bytes; who sends text encodes it.
	await called.agent.send("hello");
	// @ts-expect-error: an agent connects over a carrier, and not to an address.
	await agent.connect("shop.example:7000");
	// @ts-expect-error: there is no such routing.
	await agent.connect(await connect("unix:a"), { routing: "onion" });
	const place: Place = tetrad.place;
	tetrad.parties[place].deviceId satisfies Uint8Array;
	// @ts-expect-error: a tetrad has four places, and C is none.
	tetrad.parties["C"];
	// @ts-expect-error: what was agreed on does not change.
	tetrad.place = "B";
	// @ts-expect-error: an exported key has a context, an empty one if need be.
	tetrad.export("chat", 32);
}

/** Every kind of event is known, and so is every code. */
export function events(event: TetradEvent): string {
	switch (event.kind) {
		case "bound":
			return "bound";
		case "confirmed":
			return event.tetrad.safetyCode;
		case "ended":
			return event.error === undefined ? event.by : event.error.code;
	}
}

export function errors(): boolean {
	const code: ErrorCode = error.code;
	// @ts-expect-error: there is no such code.
	if (code === "out-of-money") return false;
	// @ts-expect-error: who has to act is one of four.
	return error.family === "nobody";
}

export async function machines(): Promise<void> {
	const options = { device, link, now: Date.now(), timeoutMs: 30_000 };
	agentInitiator({ ...options, routing: "direct", root: "transcript" });
	// @ts-expect-error: who calls says how R1 and R2 travel.
	agentInitiator({ ...options, root: "transcript" });
	const { now: _, ...timeless } = options;
	// @ts-expect-error: a machine has no clock; the time is passed in.
	agentInitiator({ ...timeless, routing: "direct", root: "transcript" });
	const { device: __, ...nobody } = options;
	// @ts-expect-error: without its context a machine is no device.
	agentInitiator({ ...nobody, routing: "direct", root: "transcript" });
	const suite: SuiteName = "hybrid-aesgcm";
	suiteByName(suite);
	// @ts-expect-error: a suite is found by its name, and by its number elsewhere.
	suiteByName(1);
}

export async function checks(): Promise<void> {
	const { anchor } = bank;
	validateChain(crypto, identity.chain, "module", [anchor], Date.now());
	// @ts-expect-error: a bank is no role; it certifies modules.
	validateChain(crypto, identity.chain, "bank", [anchor], Date.now());
	// @ts-expect-error: what is valid depends on the time, which is passed in.
	validateChain(crypto, identity.chain, "module", [anchor]);
	// @ts-expect-error: a note is verified under its issuer's certificate.
	verifyNote(crypto, new Uint8Array());
	// @ts-expect-error: a signer answers later, because its key may be in a token.
	const signer: Signer = { ...identity.signer, sign: () => new Uint8Array(64) };
	void signer;
}

export async function keys(): Promise<void> {
	const access = { folder: "home" };
	await createKey({ file: "device.sealed" }, "Ed25519", access);
	// @ts-expect-error: devices sign with P-256 or Ed25519.
	await createKey({ file: "device.sealed" }, "RSA", access);
	// @ts-expect-error: a key that lies in clear is named so that it is seen.
	const location: KeyLocation = { unsealedFile: "device.pem" };
	void location;
}

export async function stores(): Promise<void> {
	const orders = table("orders", { id: "integer", item: "text" }, ["id"]);
	insert(orders, { id: 1n, item: "a book" });
	// @ts-expect-error: an integer of 64 bits is a bigint.
	insert(orders, { id: 1, item: "a book" });
	// @ts-expect-error: a row has all columns, and there are no nulls.
	insert(orders, { id: 1n });
	// @ts-expect-error: a key is made of columns of the table.
	table("orders", { id: "integer" }, ["number"]);
	// @ts-expect-error: what is written is one transaction and not a list of rows.
	await store.transact([insert(orders, { id: 1n, item: "a book" })]);
}

export function addresses(address: Address): string {
	// @ts-expect-error: there is no such carrier.
	formatAddress({ kind: "udp", host: "shop.example", port: 7000 });
	return formatAddress(address);
}
