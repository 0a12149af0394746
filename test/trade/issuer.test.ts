/* What an issuer does with sales: each of its rules, and what somebody gains who breaks one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { LedgerOperator } from "../../src/device/issuer/index.ts";
import {
	evidenceOf,
	listConflicts,
	messages,
	openEvidence,
} from "../../src/money/index.ts";
import {
	draftSellingCertificate,
	encodePurchaseTerms,
	GENERATION_MS,
	keyHash,
	parseSellingCertificate,
	secretHash,
	verifySellingCertificate,
} from "../../src/trade/documents/index.ts";
import { copy, hex } from "../../src/wire/index.ts";
import {
	claim,
	deposit,
	exchange,
	pay,
	piece,
	readAnswer,
	requestId,
	resolve,
} from "../money/mint.ts";
import { DAY } from "../support/authority.ts";
import {
	booked,
	bought,
	isVoid,
	outcome,
	PRICE,
	refused,
	type Sale,
	SaleWorld,
	said,
	spentTwice,
} from "./issuer-world.ts";

const { WITH_ISSUER, message, NO_TERMS } = messages;

describe("a selling secret", () => {
	test("is certified for the module that asks and the agent of its tetrad", async () => {
		await using world = await SaleWorld.make();
		const { merchant, issuer, mint } = world;
		const { secret, certificate } = await world.secret(merchant);
		const read = parseSellingCertificate(certificate);
		verifySellingCertificate(nodeCrypto, read, issuer.device);
		assert.equal(hex(read.module), hex(merchant.device.deviceId));
		assert.equal(hex(read.agent), hex(merchant.agent.deviceId));
		assert.equal(read.issued, mint.now);
		assert.equal(read.generation, Math.floor(mint.now / GENERATION_MS) + 1);
		assert.equal(hex(read.secretHash), hex(secretHash(nodeCrypto, secret)));
	});

	test("is another one behind another agent, for another module and in another generation, and the same whenever it is asked for", async () => {
		await using world = await SaleWorld.make();
		const { merchant } = world;
		const other = await world.trader("carol");
		const { secret } = await world.secret(merchant);
		const current = Math.floor(world.mint.now / GENERATION_MS) + 1;
		const others = [
			await world.secret({ ...merchant, agent: other.agent }),
			await world.secret({ ...other, agent: merchant.agent }),
			await world.secret(merchant, current - 1),
			await world.secret(merchant, 1),
			await world.secret(merchant, 2 ** 32 - 1),
		].map((one) => hex(one.secret));
		assert.equal(new Set([...others, hex(secret)]).size, 6);
		world.mint.now += GENERATION_MS;
		const renewed = await world.secret(merchant);
		assert.ok(![...others, hex(secret)].includes(hex(renewed.secret)));
		const again = await world.secret(merchant, current);
		assert.equal(hex(again.secret), hex(secret));
	});

	test("counts as asked in vain: nobody keeps an issuer signing", async () => {
		await using world = await SaleWorld.make();
		const { mint, merchant } = world;
		const tetrad = mint.meet(merchant);
		const ask = () =>
			mint.ask(
				tetrad,
				copy(
					message(WITH_ISSUER.secret, {
						request: requestId(),
						generation: 0,
					}),
				),
			);
		for (let i = 0; i < 256; i++) await ask();
		const signed = mint.signatures;
		const [answer] = await ask();
		assert.deepEqual(said(answer ?? new Uint8Array()), {
			kind: "declined",
			code: "busy",
		});
		assert.equal(mint.signatures, signed);
	});

	test("is nobody's at an issuer without a master secret, and neither is a sale", async () => {
		await using world = await SaleWorld.make();
		const selling = await world.secret(world.merchant);
		await using poor = await SaleWorld.make({}, "none");
		const sale = await poor.sale({}, { selling });
		const asked = { request: requestId(), generation: 0 };
		const answer = await poor.mint.once(
			poor.merchant,
			copy(message(WITH_ISSUER.secret, asked)),
		);
		assert.deepEqual(said(answer), {
			kind: "declined",
			code: "issuer-refused",
		});
		assert.deepEqual(await poor.deposit(sale), refused);
		assert.deepEqual(await poor.resolve(sale), refused);
		await poor.requireUnknown(sale);
	});
});

describe("a sale that is handed in", () => {
	test("by both is asked in vain by neither, however many there are", async () => {
		await using world = await SaleWorld.make();
		const { mint, merchant, buyer } = world;
		const sales = [await world.sale(), await world.sale(), await world.sale()];
		const tetrad = mint.meet(merchant);
		const ask = async (bytes: Uint8Array) => {
			const [answer] = await mint.ask(tetrad, copy(bytes));
			return answer ?? new Uint8Array();
		};
		const withdraw = () =>
			message(WITH_ISSUER.withdraw, { request: requestId(), amount: 9n });
		// The merchant's secret took one, and one is left.
		for (let i = 2; i < 256; i++)
			assert.equal(said(await ask(withdraw())).kind, "declined");
		// Nothing is left of its questions but what each sale gives it.
		for (let i = 0; i < 2048; i++)
			await ask(message(WITH_ISSUER.balance, { request: requestId() }));
		for (const sale of sales) {
			assert.deepEqual(await world.resolve(sale, buyer), bought(sale));
			assert.deepEqual(said(await ask(world.depositing(sale))), booked(PRICE));
		}
		assert.equal((await ask(withdraw()))[0], WITH_ISSUER.issued.type);
	});

	test("again and again is a question as long as one is left, and in vain then", async () => {
		await using world = await SaleWorld.make();
		const { mint, merchant } = world;
		const sale = await world.sale();
		const resolved = await world.resolve(sale);
		assert.deepEqual(resolved, bought(sale));
		const tetrad = mint.meet(merchant);
		const again = async () => {
			const [answer] = await mint.ask(tetrad, world.depositing(sale));
			return said(answer ?? new Uint8Array());
		};
		for (let i = 0; i < 2040; i++)
			await mint.ask(
				tetrad,
				copy(message(WITH_ISSUER.balance, { request: requestId() })),
			);
		let heard = 0;
		while ((await again()).kind === "booked") heard++;
		// One of the 256 was spent on the secret.
		assert.equal(heard, 8 + 255);
		assert.deepEqual(await again(), { kind: "declined", code: "busy" });
	});

	test("by its payee is booked whole, and its payer gets the key", async () => {
		await using world = await SaleWorld.make();
		const sale = await world.sale();
		assert.deepEqual(await world.inquire(sale), outcome(0, 0n));
		assert.deepEqual(await world.deposit(sale), booked(PRICE));
		assert.deepEqual(await world.resolve(sale), bought(sale));
		assert.deepEqual(await world.inquire(sale), bought(sale));
		assert.deepEqual(await world.held(), {
			buyer: 0n,
			merchant: PRICE,
			owed: 0n,
		});
	});

	test("is answered with its key to its payer also when what the ledger has of it has rotted", async () => {
		await using world = await SaleWorld.make({ onDisk: true });
		const sale = await world.sale();
		await world.deposit(sale);
		await world.ledger.tamper((database) => {
			database.exec("UPDATE sales SET key = zeroblob(32)");
		});
		assert.deepEqual(await world.resolve(sale), bought(sale));
	});

	test("is answered with its key also when that has rotted in the answer that was lost", async () => {
		await using world = await SaleWorld.make({ onDisk: true });
		const { ledger, buyer } = world;
		const sale = await world.sale();
		const request = requestId();
		const asked = world.resolving(sale, request);
		const answer = await world.mint.once(buyer, asked);
		await ledger.tamper((database) => {
			const { kept } = database
				.prepare("SELECT answer AS kept FROM answers WHERE request = ?")
				.get(request) as { readonly kept: Uint8Array };
			const at = Buffer.from(kept).indexOf(sale.key);
			assert.ok(at > 0);
			kept.fill(0, at, at + sale.key.length);
			database
				.prepare("UPDATE answers SET answer = ? WHERE request = ?")
				.run(kept, request);
		});
		assert.deepEqual(await world.mint.once(buyer, asked), answer);
	});

	test("by its payer is booked for its payee, and answered with the key", async () => {
		await using world = await SaleWorld.make();
		const sale = await world.sale();
		assert.deepEqual(await world.resolve(sale), bought(sale));
		assert.deepEqual(await world.deposit(sale), booked(PRICE));
		assert.deepEqual(await world.held(), {
			buyer: 0n,
			merchant: PRICE,
			owed: 0n,
		});
	});

	test("by both at once is booked once", async () => {
		await using world = await SaleWorld.make();
		for (let i = 0; i < 8; i++) {
			const sale = await world.sale();
			const asked = [
				() => world.deposit(sale),
				() => world.resolve(sale),
				() => world.deposit(sale),
				() => world.resolve(sale),
			];
			if (i % 2 === 1) asked.reverse();
			const answers = await Promise.all(asked.map((ask) => ask()));
			for (const answer of answers)
				assert.deepEqual(
					answer,
					answer.kind === "booked" ? booked(PRICE) : bought(sale),
				);
		}
		const { merchant } = await world.held();
		assert.equal(merchant, 8n * PRICE);
	});

	test("under one request is answered by the same bytes, and under another with the same outcome", async () => {
		await using world = await SaleWorld.make({ onDisk: true });
		const { merchant, buyer } = world;
		for (const sale of [await world.sale(), await world.wrong()])
			for (const [by, asked] of [
				[merchant, world.depositing(sale)],
				[buyer, world.resolving(sale)],
			] as const) {
				const first = hex(await world.mint.once(by, asked));
				await world.ledger.restart();
				assert.equal(hex(await world.mint.once(by, asked)), first);
			}
		await world.ledger.sound();
	});

	test("as many pieces of several notes is booked as one", async () => {
		await using world = await SaleWorld.make();
		const notes = [
			await world.ledger.note(70n, world.buyer),
			await world.ledger.note(60n, world.buyer),
		];
		const pieces = notes.map((note) => piece(note, 10n, 50n));
		const sale = await world.sale({}, { notes, pieces });
		assert.deepEqual(await world.resolve(sale), bought(sale));
		const { merchant } = await world.held();
		assert.equal(merchant, PRICE);
	});
});

describe("a contract for another key than that of its terms", () => {
	test("is void when its payee hands it in, and credits its payer once, when that asks", async () => {
		await using world = await SaleWorld.make();
		const sale = await world.wrong();
		assert.deepEqual(await world.deposit(sale), isVoid);
		assert.deepEqual(await world.held(), {
			buyer: 0n,
			merchant: 0n,
			owed: PRICE,
		});
		assert.deepEqual(await world.inquire(sale), outcome(2, 0n));
		assert.deepEqual(await world.deposit(sale), isVoid);
		for (let i = 0; i < 3; i++)
			assert.deepEqual(await world.resolve(sale), outcome(2, PRICE));
		assert.deepEqual(await world.deposit(sale), isVoid);
		assert.deepEqual(await world.inquire(sale), outcome(2, PRICE));
		assert.deepEqual(await world.held(), {
			buyer: PRICE,
			merchant: 0n,
			owed: 0n,
		});
	});

	test("is void when its payer hands it in, which has its money at once", async () => {
		await using world = await SaleWorld.make();
		const sale = await world.wrong();
		assert.deepEqual(await world.resolve(sale), outcome(2, PRICE));
		assert.deepEqual(await world.resolve(sale), outcome(2, PRICE));
		assert.deepEqual(await world.deposit(sale), isVoid);
		assert.deepEqual(await world.held(), {
			buyer: PRICE,
			merchant: 0n,
			owed: 0n,
		});
	});

	test("credits once when deposits and resolves race", async () => {
		await using world = await SaleWorld.make();
		for (let i = 0; i < 6; i++) {
			const sale = await world.wrong();
			const asked = [
				() => world.deposit(sale),
				() => world.resolve(sale),
				() => world.resolve(sale),
				() => world.deposit(sale),
			];
			if (i % 2 === 1) asked.reverse();
			await Promise.all(asked.map((ask) => ask()));
		}
		assert.deepEqual(await world.held(), {
			buyer: 6n * PRICE,
			merchant: 0n,
			owed: 0n,
		});
	});

	test("is never claimed by who held the notes, and neither is what was booked", async () => {
		await using world = await SaleWorld.make({
			parameters: { noteDays: 5, graceDays: 1 },
		});
		const wrong = await world.wrong();
		const right = await world.sale();
		await world.deposit(wrong);
		await world.deposit(right);
		const { mint, buyer, issuer } = world;
		for (const { notes } of [wrong, right])
			for (const note of notes) {
				mint.now = note.expires + DAY;
				const answer = await mint.once(buyer, claim(requestId(), note, issuer));
				assert.deepEqual(readAnswer(answer), {
					kind: "booked",
					credited: 0n,
					conflicts: [],
				});
			}
		assert.deepEqual(await world.resolve(wrong), outcome(2, PRICE));
		assert.deepEqual(await world.held(), {
			buyer: PRICE,
			merchant: PRICE,
			owed: 0n,
		});
	});

	test("of one's own making, at price 1 for a key that somebody else sells, tells nothing", async () => {
		await using world = await SaleWorld.make();
		const dear = await world.contract();
		const thief = await world.trader("mallory");
		const helper = await world.trader("mallory-shop");
		const selling = await world.secret(helper);
		const stolen = {
			...dear.contract,
			amount: 1n,
			buyerAgent: thief.agent.deviceId,
			buyerModule: thief.device.deviceId,
		};
		// In its own shop's name: the key that follows is another one.
		const own = await world.sale(
			{
				...stolen,
				sellerAgent: helper.agent.deviceId,
				sellerModule: helper.device.deviceId,
				certificate: selling.certificate,
			},
			{ merchant: helper, buyer: thief, selling },
		);
		assert.equal(hex(own.contract.keyHash), hex(dear.contract.keyHash));
		assert.deepEqual(await world.resolve(own, thief), outcome(2, 1n));
		assert.deepEqual(await world.inquire(own, thief), outcome(2, 1n));
		// In the merchant's name, whose agent has not signed it.
		for (const by of [
			{ buyer: thief, signer: helper.agentSigner },
			{ buyer: thief, merchant: helper, selling },
		]) {
			const forged = await world.sale(stolen, by);
			const inItsName: Sale = {
				...forged,
				terms: encodePurchaseTerms({
					contract: forged.contract.document,
					chain:
						"merchant" in by ? helper.agentChain : world.merchant.agentChain,
				}),
			};
			const answer = await world.resolve(inItsName, thief);
			assert.equal(answer.kind, "declined");
			assert.notDeepEqual(answer, isVoid);
			assert.deepEqual(await world.inquire(inItsName, thief), outcome(0, 0n));
		}
		// With the merchant's certificate in its own contract.
		const mixed = await world.sale(
			{
				...stolen,
				sellerAgent: helper.agent.deviceId,
				sellerModule: helper.device.deviceId,
			},
			{ merchant: helper, buyer: thief, selling },
		);
		assert.deepEqual(await world.resolve(mixed, thief), refused);
		await world.ledger.sound();
	});

	test("behind another agent of the same module is void: its secret is another one", async () => {
		await using world = await SaleWorld.make();
		const { merchant } = world;
		const { agent, agentSigner, agentChain } = await world.trader("carol");
		// A corrupt agent that has the honest one's secret, and signs in its module's name.
		const corrupt = { ...merchant, agent, agentSigner, agentChain };
		const { certificate } = await world.secret(corrupt);
		const { secret } = await world.secret(merchant);
		const sale = await world.sale(
			{},
			{ merchant: corrupt, selling: { certificate, secret } },
		);
		assert.deepEqual(await world.deposit(sale), isVoid);
		assert.deepEqual(await world.resolve(sale), outcome(2, PRICE));
		await world.ledger.sound();
	});
});

describe("two contracts with one id", () => {
	test("have two keys, and each is sold at its own price", async () => {
		await using world = await SaleWorld.make();
		const first = await world.sale();
		const { id } = first.contract;
		const second = await world.sale({ id, amount: 1n });
		assert.notEqual(hex(first.key), hex(second.key));
		assert.deepEqual(await world.resolve(second), bought(second));
		assert.deepEqual(await world.resolve(first), bought(first));
		await world.ledger.sound();
	});

	test("with one key between them: the second is void", async () => {
		await using world = await SaleWorld.make();
		const first = await world.sale();
		const { id } = first.contract;
		const second = await world.sale({
			id,
			amount: 1n,
			keyHash: first.contract.keyHash,
		});
		assert.deepEqual(await world.resolve(second), outcome(2, 1n));
		assert.deepEqual(await world.resolve(first), bought(first));
		await world.ledger.sound();
	});
});

describe("a mark and its terms", () => {
	const changed: readonly [
		string,
		(world: SaleWorld, sale: Sale) => Promise<Sale>,
	][] = [
		[
			"marked, without its terms",
			async (_, sale) => ({ ...sale, terms: NO_TERMS }),
		],
		[
			"marked, with the terms of another contract",
			async (world, sale) => ({ ...sale, terms: (await world.sale()).terms }),
		],
		[
			"not marked, and with terms",
			(world) => world.sale({}, { transfer: { purpose: "payment" } }),
		],
		[
			"marked, for another amount than its contract",
			async (world) => {
				const note = await world.ledger.note(PRICE, world.buyer);
				const pieces = [piece(note, 0n, PRICE - 1n)];
				return world.sale({}, { notes: [note], pieces });
			},
		],
		[
			"marked, by another payer than its contract's",
			async (world) =>
				world.sale({
					buyerModule: (await world.trader("carol")).device.deviceId,
				}),
		],
		[
			"marked, to another payee than its contract's",
			async (world) =>
				world.sale({
					sellerModule: (await world.trader("carol")).device.deviceId,
				}),
		],
		[
			"marked, to a friend of the buyer's and not to the merchant",
			async (world) => {
				const { deviceId: payee } = (await world.trader("carol")).device;
				return world.sale({}, { transfer: { payee } });
			},
		],
		[
			"marked, of another issuer than its contract's",
			async (world) =>
				world.sale({
					issuer: (await world.trader("carol")).device.deviceId,
				}),
		],
		[
			"marked, of another issuer, who has certified a secret of its own",
			async (world) => {
				const { device, signer } = await world.trader("carol");
				const secret = nodeCrypto.random(32);
				const { toSign, sign } = draftSellingCertificate({
					issuer: device.deviceId,
					issuerCertificate: device.certificateId,
					module: world.merchant.device.deviceId,
					agent: world.merchant.agent.deviceId,
					generation: 1,
					secretHash: secretHash(nodeCrypto, secret),
					issued: world.mint.now,
				});
				const certificate = sign(await signer.sign(toSign));
				return world.sale(
					{ issuer: device.deviceId },
					{ selling: { secret, certificate } },
				);
			},
		],
		[
			"marked, in another currency than its contract's",
			(world) => world.sale({ currency: "GOLD" }),
		],
		[
			"marked, with terms that the named agent did not sign",
			(world) => world.sale({}, { signer: world.buyer.agentSigner }),
		],
		[
			"marked, with the chain of another agent",
			async (world, { contract, ...sale }) => ({
				...sale,
				contract,
				terms: encodePurchaseTerms({
					contract: contract.document,
					chain: world.buyer.agentChain,
				}),
			}),
		],
		[
			"marked, with terms that are none",
			async (_, sale) => ({ ...sale, terms: Uint8Array.of(0, 0, 0, 1, 7) }),
		],
	];
	for (const [what, change] of changed)
		test(`${what}: refused, and nothing changes`, async () => {
			await using world = await SaleWorld.make();
			const sale = await change(world, await world.sale());
			for (const answer of [
				await world.deposit(sale),
				await world.resolve(sale),
			]) {
				assert.ok(answer.kind === "declined");
				assert.ok(
					["payment-refused", "authentication-failed", "malformed"].includes(
						answer.code,
					),
					answer.code,
				);
			}
			await world.requireUnknown(sale);
		});

	test("marked, as an exchange: refused", async () => {
		await using world = await SaleWorld.make();
		const { mint, buyer, issuer } = world;
		const note = await world.ledger.note(PRICE, buyer);
		const marked = await pay(buyer, issuer, [piece(note, 0n, PRICE)], issuer, {
			purpose: "sale",
		});
		for (const into of [0, 1] as const) {
			const asked = exchange(requestId(), into, marked, [note], issuer);
			assert.deepEqual(said(await mint.once(buyer, asked)), refused);
		}
		await world.ledger.sound();
	});
});

describe("a range that is another transfer's", () => {
	test("declines a sale for ever, with evidence, and moves nothing of it", async () => {
		await using world = await SaleWorld.make();
		const { mint, buyer, merchant, issuer, ledger } = world;
		const other = await world.trader("carol");
		const note = await ledger.note(2n * PRICE, buyer);
		const first = await pay(buyer, other, [piece(note, 0n, 10n)], issuer);
		await mint.once(other, deposit(requestId(), first, [note], issuer));
		const sale = await world.sale({}, { notes: [note] });
		for (let i = 0; i < 2; i++) {
			assert.deepEqual(await world.resolve(sale), spentTwice);
			assert.deepEqual(await world.deposit(sale), spentTwice);
		}
		assert.deepEqual(await world.inquire(sale), outcome(1, 0n));
		assert.deepEqual(await world.held(), { buyer: 0n, merchant: 0n, owed: 0n });
		const [conflict, ...more] = await ledger.transact(listConflicts());
		assert.ok(conflict && more.length === 0);
		const evidence = await ledger.transact(evidenceOf(nodeCrypto, conflict.id));
		const { holder } = openEvidence(
			nodeCrypto,
			evidence ?? new Uint8Array(),
			ledger.world.policy.banks,
		);
		assert.equal(hex(holder), hex(buyer.device.deviceId));
		// What is free of it stays free.
		const rest = await pay(
			buyer,
			merchant,
			[piece(note, 10n, 2n * PRICE - 10n)],
			issuer,
		);
		await mint.once(merchant, deposit(requestId(), rest, [note], issuer));
		const { merchant: held } = await world.held();
		assert.equal(held, 2n * PRICE - 10n);
	});

	test("declines the later of two sales, whoever hands them in, and tells no key", async () => {
		for (const by of ["deposit", "resolve"] as const) {
			await using world = await SaleWorld.make();
			const note = await world.ledger.note(PRICE, world.buyer);
			const first = await world.sale({}, { notes: [note] });
			const second = await world.sale({}, { notes: [note] });
			await world[by](first);
			assert.deepEqual(await world[by](second), spentTwice);
			assert.deepEqual(await world.resolve(second), spentTwice);
			assert.deepEqual(await world.resolve(first), bought(first));
			const { merchant } = await world.held();
			assert.equal(merchant, PRICE);
		}
	});

	test("comes before the key and before the time: nobody has money back twice", async () => {
		await using world = await SaleWorld.make();
		const note = await world.ledger.note(PRICE, world.buyer);
		const by = { notes: [note] };
		const [first, wrong, late] = [
			await world.sale({}, by),
			await world.wrong(by),
			await world.sale({}, by),
		];
		await world.deposit(first);
		assert.deepEqual(await world.resolve(wrong), spentTwice);
		world.mint.now += 2 * DAY;
		assert.deepEqual(await world.resolve(late), spentTwice);
		assert.deepEqual(await world.deposit(late), spentTwice);
		assert.deepEqual(await world.held(), {
			buyer: 0n,
			merchant: PRICE,
			owed: 0n,
		});
	});

	test("that a void sale took is taken", async () => {
		await using world = await SaleWorld.make();
		const { mint, buyer, merchant, issuer } = world;
		const note = await world.ledger.note(PRICE, buyer);
		const wrong = await world.wrong({ notes: [note] });
		const second = await world.sale({}, { notes: [note] });
		assert.deepEqual(await world.deposit(wrong), isVoid);
		assert.deepEqual(await world.deposit(second), spentTwice);
		const plain = await pay(buyer, merchant, [piece(note, 0n, PRICE)], issuer);
		const answer = readAnswer(
			await mint.once(merchant, deposit(requestId(), plain, [note], issuer)),
		);
		assert.ok(answer.kind === "booked" && answer.credited === 0n);
		assert.deepEqual(await world.resolve(wrong), outcome(2, PRICE));
		assert.deepEqual(await world.held(), {
			buyer: PRICE,
			merchant: 0n,
			owed: 0n,
		});
	});

	test("that was claimed is taken, and accuses nobody", async () => {
		await using world = await SaleWorld.make({
			parameters: { noteDays: 5, graceDays: 1 },
		});
		const { mint, buyer, issuer } = world;
		const sale = await world.sale();
		const [note] = sale.notes;
		assert.ok(note);
		mint.now = note.expires + DAY;
		await mint.once(buyer, claim(requestId(), note, issuer));
		assert.deepEqual(await world.resolve(sale), spentTwice);
		assert.deepEqual(await world.ledger.transact(listConflicts()), []);
		assert.deepEqual(await world.held(), {
			buyer: PRICE,
			merchant: 0n,
			owed: 0n,
		});
	});
});

describe("time at the issuer", () => {
	test("a sale is booked until bookBy, to the millisecond", async () => {
		for (const by of ["deposit", "resolve"] as const) {
			await using world = await SaleWorld.make();
			const [last, late] = [await world.sale(), await world.sale()];
			world.mint.now = last.contract.bookBy;
			assert.deepEqual(
				await world[by](last),
				by === "deposit" ? booked(PRICE) : bought(last),
			);
			world.mint.now++;
			assert.deepEqual(
				await world[by](late),
				by === "deposit" ? refused : outcome(2, PRICE),
			);
		}
	});

	test("a payee that comes too late by a clock that is wrong is not refused for ever", async () => {
		await using world = await SaleWorld.make();
		const sale = await world.sale();
		const { now } = world.mint;
		world.mint.now = sale.contract.bookBy + 1;
		assert.deepEqual(await world.deposit(sale), refused);
		assert.deepEqual(await world.inquire(sale), outcome(0, 0n));
		world.mint.now = now;
		assert.deepEqual(await world.deposit(sale), booked(PRICE));
		await world.ledger.sound();
	});

	test("a payer that comes too late has its money, and its payee nothing any more, whatever the clock says later", async () => {
		await using world = await SaleWorld.make();
		const sale = await world.sale();
		const { now } = world.mint;
		world.mint.now = sale.contract.bookBy + 1;
		assert.deepEqual(await world.resolve(sale), outcome(2, PRICE));
		world.mint.now = now;
		assert.deepEqual(await world.deposit(sale), isVoid);
		assert.deepEqual(await world.resolve(sale), outcome(2, PRICE));
		assert.deepEqual(await world.held(), {
			buyer: PRICE,
			merchant: 0n,
			owed: 0n,
		});
	});

	test("the key of what was booked is told after bookBy, expiry and grace", async () => {
		await using world = await SaleWorld.make({
			parameters: { noteDays: 5, graceDays: 1 },
		});
		const sale = await world.sale();
		await world.deposit(sale);
		for (const days of [2, 5, 60, 400]) {
			world.mint.now += days * DAY;
			assert.deepEqual(await world.resolve(sale), bought(sale));
			assert.deepEqual(await world.inquire(sale), bought(sale));
			assert.deepEqual(await world.deposit(sale), booked(PRICE));
		}
		await world.ledger.sound();
	});

	test("between expiry and the end of the grace a sale is booked, and after it void", async () => {
		await using world = await SaleWorld.make({
			parameters: { noteDays: 5, graceDays: 1 },
		});
		const bookBy = world.mint.now + 20 * DAY;
		const [inGrace, after] = [
			await world.sale({ bookBy }),
			await world.sale({ bookBy }),
		];
		const [note] = after.notes;
		assert.ok(note);
		world.mint.now = note.expires + DAY - 1;
		assert.deepEqual(await world.deposit(inGrace), booked(PRICE));
		world.mint.now = note.expires + DAY;
		assert.deepEqual(await world.deposit(after), refused);
		assert.deepEqual(await world.resolve(after), outcome(2, PRICE));
		assert.deepEqual(await world.held(), {
			buyer: PRICE,
			merchant: PRICE,
			owed: 0n,
		});
	});

	test("a secret that was renewed between contract and booking changes nothing", async () => {
		await using world = await SaleWorld.make();
		const bookBy = world.mint.now + 30 * DAY;
		const sales = [await world.sale({ bookBy }), await world.sale({ bookBy })];
		world.mint.now = bookBy;
		await world.secret(world.merchant);
		const [first, second] = sales;
		assert.ok(first && second);
		assert.deepEqual(await world.deposit(first), booked(PRICE));
		assert.deepEqual(await world.resolve(second), bought(second));
		await world.ledger.sound();
	});

	test("a merchant that has not renewed its secret sells on with it", async () => {
		await using world = await SaleWorld.make();
		const old = await world.secret(world.merchant, 1);
		const sale = await world.sale({}, { selling: old });
		assert.deepEqual(await world.resolve(sale), bought(sale));
		await world.ledger.sound();
	});

	test("the merchant's agent may have been certified anew, or not any more", async () => {
		await using world = await SaleWorld.make();
		const bookBy = world.mint.now + 30 * DAY;
		const sale = await world.sale({ bookBy });
		world.mint.now = bookBy;
		const renewed = await world.trader("bob");
		assert.deepEqual(await world.deposit(sale, renewed), booked(PRICE));
		await world.ledger.sound();
	});
});

describe("who asks", () => {
	test("a stranger learns nothing and moves nothing", async () => {
		await using world = await SaleWorld.make();
		const stranger = await world.trader("eve");
		const sale = await world.sale();
		const everything = async () => {
			assert.deepEqual(await world.deposit(sale, stranger), refused);
			assert.deepEqual(await world.resolve(sale, stranger), refused);
			assert.deepEqual(await world.inquire(sale, stranger), outcome(0, 0n));
		};
		await everything();
		await world.requireUnknown(sale);
		await world.deposit(sale);
		await everything();
	});

	test("the merchant for the buyer's side has neither key nor credit, and the buyer cannot deposit", async () => {
		await using world = await SaleWorld.make();
		const { merchant, buyer } = world;
		const right = await world.sale();
		const wrong = await world.wrong();
		assert.deepEqual(await world.resolve(right, merchant), refused);
		assert.deepEqual(await world.deposit(right, buyer), refused);
		await world.requireUnknown(right);
		await world.deposit(right);
		await world.deposit(wrong);
		assert.deepEqual(await world.resolve(right, merchant), refused);
		assert.deepEqual(await world.resolve(wrong, merchant), refused);
		assert.deepEqual(await world.inquire(right, merchant), outcome(1, PRICE));
		assert.deepEqual(await world.inquire(wrong, merchant), outcome(2, 0n));
		assert.deepEqual(await world.held(), {
			buyer: 0n,
			merchant: PRICE,
			owed: PRICE,
		});
	});

	test("its operator sees what became of each sale, and no key", async () => {
		await using world = await SaleWorld.make();
		const { ledger, mint } = world;
		const note = await ledger.note(PRICE, world.buyer);
		const sales = {
			booked: await world.sale({}, { notes: [note] }),
			declined: await world.sale({}, { notes: [note] }),
			owed: await world.wrong(),
			credited: await world.wrong(),
		};
		for (const sale of Object.values(sales)) await world.deposit(sale);
		const { now } = mint;
		mint.now += DAY;
		await world.resolve(sales.credited);
		const operator = new LedgerOperator({
			store: ledger.store(),
			terms: mint.machine.terms,
			roots: ledger.world.policy,
		});
		for (const [name, state, credited] of [
			["booked", "booked", undefined],
			["declined", "declined", undefined],
			["owed", "void", undefined],
			["credited", "void", now + DAY],
		] as const) {
			const { contract, transfer } = sales[name];
			const found = await operator.sales({ contract: hex(contract.hash) });
			assert.deepEqual(found, {
				sales: [
					{
						transfer: hex(transfer.id),
						contract: hex(contract.hash),
						state,
						amount: "1.00",
						buyer: hex(world.buyer.device.deviceId),
						buyerName: "ann-purse",
						merchant: hex(world.merchant.device.deviceId),
						merchantName: "bob-purse",
						at: new Date(now).toISOString(),
						...(credited === undefined
							? {}
							: { credited: new Date(credited).toISOString() }),
						currency: "PLAY",
						play: true,
						note: "this is play money, which nobody exchanges for anything",
					},
				],
			});
		}
		const all = await operator.sales({});
		assert.equal(all.sales.length, 4);
		assert.equal((await operator.audit()).owed, "1.00");
		for (const { key } of Object.values(sales))
			assert.ok(!JSON.stringify(all).includes(hex(key)));
	});

	test("it reports of which sale it was", async () => {
		await using world = await SaleWorld.make();
		const sale = await world.wrong();
		await world.deposit(sale);
		await world.resolve(sale);
		await world.resolve(sale);
		const told = world.mint.reports.flatMap((report) =>
			report.kind === "settled" && report.sale !== undefined
				? [[report.asked, report.settled.kind, hex(report.sale)]]
				: [],
		);
		const contract = hex(sale.contract.hash);
		assert.deepEqual(told, [
			["deposit", "declined", contract],
			["resolve", "void", contract],
		]);
	});

	test("plain payments go as before", async () => {
		await using world = await SaleWorld.make();
		const { mint, buyer, merchant, issuer } = world;
		const note = await world.ledger.note(PRICE, buyer);
		const plain = await pay(buyer, merchant, [piece(note, 0n, 60n)], issuer);
		const asked = deposit(requestId(), plain, [note], issuer);
		assert.deepEqual(said(await mint.once(merchant, asked)), booked(60n));
		const back = resolve(requestId(), plain, [note], issuer);
		assert.deepEqual(said(await mint.once(buyer, back)), outcome(1, 60n));
		await world.ledger.sound();
	});

	test("the same key hash in two contracts of two merchants is sold by the one whose it is", async () => {
		await using world = await SaleWorld.make();
		const other = await world.trader("carol");
		const mine = await world.sale();
		const copied = await world.sale(
			{ keyHash: keyHash(nodeCrypto, mine.key) },
			{ merchant: other },
		);
		assert.deepEqual(await world.deposit(copied, other), isVoid);
		assert.deepEqual(await world.deposit(mine), booked(PRICE));
		assert.deepEqual(await world.resolve(copied), outcome(2, PRICE));
		await world.ledger.sound();
	});
});
