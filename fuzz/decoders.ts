/*
 * Every decoder that is no structure by itself, and every structure. A test holds the list against
 * what `src` exports (`completeness.ts`). Signatures are taken to hold where something is read
 * behind them: what they protect is not in question here.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameSplitter } from "../src/carrier/frame-splitter.ts";
import { parseAddress } from "../src/carrier/index.ts";
import { nodeCrypto } from "../src/crypto/index.ts";
import { readDeviceFile } from "../src/device/home/home.ts";
import { readPolicy } from "../src/device/home/policy-file.ts";
import { parseBackup } from "../src/device/purse/backup-content.ts";
import * as socket from "../src/device/service/socket-messages.ts";
import { ASKS, decoded, LISTS } from "../src/device/service/socket-messages.ts";
import {
	readSettingsFile,
	SIDE_FILE_SCHEMA,
	USER_FILE_SCHEMA,
} from "../src/device/side/side-file.ts";
import { readCatalogueFile } from "../src/device/trade/catalogue-file.ts";
import { TetradError } from "../src/errors.ts";
import { encodeAnswer, parseAnswer } from "../src/http/x402/answer.ts";
import { readField } from "../src/http/x402/fields.ts";
import { readKept } from "../src/http/x402/kept.ts";
import {
	type CertifiedDevice,
	ChainVerdicts,
	encodeBundle,
	encodeChain,
	encodeListNumbers,
	issueUntrustedList,
	makeRenewal,
	makeRequest,
	openRenewal,
	openUntrustedList,
	parseCertificate,
	parseListNumbers,
	parsePem,
	parsePemBlock,
	parseRequest,
	printPemBlock,
} from "../src/identity/index.ts";
import { parseChain } from "../src/identity/x509/chain.ts";
import { generateSoftwareKey } from "../src/keys/index.ts";
import { parsePkcs11Uri } from "../src/keys/pkcs11-uri.ts";
import { sealSecret, unsealSecret } from "../src/keys/sealed.ts";
import { parsePrivateKeyDer, privateKeyDer } from "../src/keys/software.ts";
import { parseListedPrice } from "../src/mcp/listed-price.ts";
import { parseResult } from "../src/mcp/tool-result.ts";
import * as money from "../src/money/documents/index.ts";
import * as requests from "../src/money/issuer/module-requests.ts";
import { parseTerms as parsePaidTerms, writeTerms } from "../src/paid/terms.ts";
import * as ways from "../src/paid/x402/ways.ts";
import {
	LONG_BODY_BYTES,
	MAX_SEVERAL,
	parseSeveral,
	RecordOpener,
	readMessage1,
	SUITES,
	suiteByName,
} from "../src/session/index.ts";
import { parsePostgresUrl } from "../src/store/postgres-url.ts";
import { parseText } from "../src/talk/text.ts";
import {
	makeResumingOffer,
	parseOffer,
	parseResumingOffer,
} from "../src/tetrad/offer.ts";
import * as trade from "../src/trade/documents/index.ts";
import { openMerchandiseEvidence } from "../src/trade/merchandise/index.ts";
import {
	CONTENT,
	concat,
	dec,
	enc,
	encodeFrame,
	FRAME,
	malformed,
	parseFrame,
	parseUtf8,
	type Structure,
	sameBytes,
	utf8,
} from "../src/wire/index.ts";
import { DAY, makeWorld, TEST_NOW } from "../test/support/authority.ts";
import { cashuTargets } from "./cashu.ts";
import { structures } from "./structures.ts";
import { broken, type Target } from "./target.ts";

/** As if every signature held. */
const trusting = { ...nodeCrypto, verify: () => true };

/** Of the size of a frame or a document, with everything in it as small as it can be. */
function smallest(structure: Structure<unknown>): Uint8Array {
	return enc(
		...Object.values(structure.fields).map(
			({ minBytes }) => new Uint8Array(minBytes),
		),
	);
}

/** Contents in one record, as docs/protocol.md has them. */
function joined(
	...contents: readonly (readonly [type: number, bytes: Uint8Array])[]
): Uint8Array {
	return concat(
		...contents.map(([type, bytes]) => concat(Uint8Array.of(type), enc(bytes))),
	);
}

function ofStructures(): Target[] {
	return [...structures].map(([name, structure]) => ({
		name: `structure ${name}`,
		covers: [],
		seeds: [smallest(structure)],
		take(bytes) {
			const value = structure.decode(bytes);
			if (!sameBytes(structure.encode(value), bytes))
				throw broken("what it decodes to has another encoding");
		},
	}));
}

/** Reads the same in several ways. It is refused when all refuse it, and no refusal is our own mistake. */
function readByAny(...reads: readonly (() => unknown)[]): void {
	let refusal: unknown;
	let isTaken = false;
	for (const read of reads)
		try {
			read();
			isTaken = true;
		} catch (thrown) {
			if (!(thrown instanceof TetradError) || thrown.family === "internal")
				throw thrown;
			refusal = thrown;
		}
	if (!isTaken) throw refusal;
}

/** What is text, or JSON, for its decoder. */
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
const json = (bytes: Uint8Array): unknown => {
	try {
		return JSON.parse(text(bytes));
	} catch {
		return undefined;
	}
};
const jsonSeed = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

const JSON_TOKENS = [
	...["{", "}", "[", "]", '"', ":", ",", "null", "true", "-1", "0", "1e999"],
	...['"__proto__":1,', '""', "[[[[", '{"a":', "\\ud800", "9007199254740993"],
];
const TOML_TOKENS = [
	...["\n", "=", "[", "]", '"', "'''", "#", "true", "1979-05-27", "nan", "{}"],
	...["version = 1\n", "[agent]\n", "[secrets]\n", "__proto__.x = 1\n", "\\u"],
];

/** Those that are no structure. `folder` is an empty one, for what reads files. */
export async function decoderTargets(folder: string): Promise<Target[]> {
	const world = await makeWorld({ withIntermediate: true });
	const device = await world.agent("shop.example");
	const [leaf, intermediate] = device.certificates as [Uint8Array, Uint8Array];
	const issuer = parseCertificate(intermediate);
	const certified = new ChainVerdicts(nodeCrypto, world.policy).judge(
		device.chain,
		"agent",
		TEST_NOW,
	);
	const { deviceId } = certified;
	/** Whoever is asked for. */
	const called = (id: Uint8Array = certified.deviceId): CertifiedDevice =>
		Object.create(certified, { deviceId: { value: id } });
	const banks = world.policy.banks;
	const verdicts = () => new ChainVerdicts(nodeCrypto, world.policy);
	const request = await makeRequest(nodeCrypto, {
		role: "agent",
		name: "shop.example",
		signer: generateSoftwareKey("Ed25519"),
	});
	const list = await issueUntrustedList(nodeCrypto, {
		issuer: world.agency.issuer,
		number: 300n,
		thisUpdate: TEST_NOW,
		nextUpdate: TEST_NOW + DAY,
		entries: Array.from({ length: 4 }, (_, i) => ({
			serial: new Uint8Array(1 + i * 5).fill(0x11),
			instant: TEST_NOW,
			...(i % 2 === 0 && { reason: "keyCompromise" as const }),
		})),
		recertifyBefore: TEST_NOW - 2000 * DAY,
	});
	const bundle = encodeBundle(list, encodeChain([intermediate]));
	const key = generateSoftwareKey("P-256");
	const der = new Uint8Array(privateKeyDer(key));
	const secret = nodeCrypto.sha256(utf8("a secret"));
	const sealed = await sealSecret(secret, utf8("a passphrase"), {
		memoryKib: 8,
		passes: 1,
		lanes: 1,
	});
	const hybrid = suiteByName("hybrid-aesgcm");
	const currency = { code: "EUR", exponent: 2 };

	const paidTerms = {
		mode: "sealed",
		address: "tcp:shop.example:4000",
		agent: "ab".repeat(41),
		module: "cd".repeat(41),
		item: "paid-1",
		amount: "250",
		currency: "PLAY",
		exponent: 2,
		play: true,
		issuer: "issuer.example",
		request: "GET /a",
	};
	const way = ways.wayOf(parsePaidTerms(paidTerms));

	return [
		...ofStructures(),
		...cashuTargets(),
		{
			name: "frame",
			covers: ["wire/frame.ts#parseFrame", "wire/frame.ts#parseFrameHeader"],
			seeds: [encodeFrame(FRAME.offer, utf8("body"))],
			take(bytes) {
				const { type, body } = parseFrame(bytes);
				if (!sameBytes(encodeFrame(type, body), bytes))
					throw broken("a frame has two forms");
			},
		},
		{
			name: "frames of a stream",
			covers: [],
			seeds: [
				utf8(""),
				Buffer.concat([
					encodeFrame(FRAME.offer, utf8("body")),
					encodeFrame(FRAME.record, new Uint8Array(50)),
				]),
			],
			take(bytes) {
				const splitter = new FrameSplitter({
					firstFrames: 1,
					firstFrameBody: 64,
				});
				const frames: Uint8Array[] = [];
				for (let at = 0; at < bytes.length; ) {
					const length = 1 + ((bytes[at] ?? 0) % 23);
					splitter.push(bytes.slice(at, at + length));
					at += length;
					for (
						let frame = splitter.next();
						frame !== undefined;
						frame = splitter.next()
					) {
						frames.push(Uint8Array.from(frame));
						splitter.used(frame);
					}
				}
				const all = Buffer.concat(frames);
				if (!sameBytes(all, bytes.subarray(0, all.length)))
					throw broken("frames are other bytes than those of the stream");
			},
		},
		{
			name: "fields",
			covers: [],
			seeds: [enc(utf8("a"), utf8(""), new Uint8Array(9))],
			take(bytes) {
				if (!sameBytes(enc(...dec(bytes, 64)), bytes))
					throw broken("fields have two forms");
			},
		},
		{
			name: "UTF-8",
			covers: ["wire/encoding.ts#parseUtf8", "talk/text.ts#parseText"],
			seeds: [utf8("grüße, 𝄞"), utf8("\u0010hello")],
			take(bytes) {
				if (!sameBytes(utf8(parseUtf8(bytes)), bytes))
					throw broken("a text has two forms");
				parseText(bytes);
			},
		},
		{
			name: "certificate",
			covers: [
				"identity/x509/certificate.ts#parseCertificate",
				"identity/x509/certificate.ts#parseExtensions",
				"identity/x509/signed.ts#openSigned",
				"identity/x509/signed.ts#readInnerAlgorithm",
				"identity/x509/signed.ts#readSerial",
				"identity/x509/signed.ts#parseSignatureAlgorithm",
				"identity/x509/signed.ts#parsePublicKey",
				"identity/x509/signed.ts#parseSignature",
				"identity/x509/signed.ts#parseName",
				"identity/x509/signed.ts#readExtensionList",
				"identity/x509/der.ts#parseUnsigned",
				"identity/x509/der.ts#parseOctets",
				"identity/x509/der.ts#parseTrue",
				"identity/x509/der.ts#parseObjectIdentifier",
				"identity/x509/der.ts#parseNamedBits",
				"identity/x509/der.ts#readTime",
				"identity/x509/der.ts#parseGeneralizedTime",
			],
			seeds: [leaf, intermediate, world.agency.root.certificate],
			take: (bytes) => void parseCertificate(bytes),
		},
		{
			name: "chain",
			covers: [
				"identity/x509/chain.ts#parseChain",
				"identity/x509/validate.ts#parseTrustAnchor",
			],
			seeds: [device.chain],
			take(bytes) {
				if (!sameBytes(encodeChain(parseChain(bytes)), bytes))
					throw broken("a chain has two forms");
				new ChainVerdicts(trusting, world.policy).judge(
					bytes,
					"agent",
					TEST_NOW,
				);
			},
		},
		{
			name: "request",
			covers: ["identity/issue/request.ts#parseRequest"],
			seeds: [request],
			take: (bytes) => void parseRequest(trusting, bytes),
		},
		{
			name: "renewal",
			covers: ["identity/issue/renewal.ts#openRenewal"],
			seeds: [
				await makeRenewal(nodeCrypto, {
					request,
					chain: device.chain,
					signer: device.signer,
					now: TEST_NOW,
				}),
			],
			take: (bytes) =>
				void openRenewal(trusting, bytes, "agent", verdicts(), TEST_NOW),
		},
		{
			name: "untrusted list",
			covers: [
				"identity/untrusted/untrusted-list.ts#openUntrustedList",
				"identity/untrusted/untrusted-list.ts#readListHeader",
			],
			seeds: [list],
			take(bytes) {
				for (const _ of openUntrustedList(trusting, bytes, issuer).entries())
					void _;
			},
		},
		{
			name: "bundle of lists",
			covers: [],
			seeds: [bundle],
			take(bytes) {
				const { lists } = verdicts();
				try {
					lists.offer(bytes, TEST_NOW);
				} catch (thrown) {
					if (lists.generation !== 0) throw broken("it was refused and counts");
					throw thrown;
				}
			},
		},
		{
			name: "numbers of lists",
			covers: ["identity/untrusted/list-numbers.ts#parseListNumbers"],
			seeds: [
				encodeListNumbers([
					{ authority: new Uint8Array(32).fill(1), number: 5n },
					{ authority: new Uint8Array(32).fill(2), number: 0n },
				]),
			],
			take(bytes) {
				if (!sameBytes(encodeListNumbers(parseListNumbers(bytes)), bytes))
					throw broken("numbers of lists have two forms");
			},
		},
		{
			name: "PEM",
			covers: [
				"identity/x509/pem.ts#parsePem",
				"identity/x509/pem.ts#parsePemBlock",
			],
			seeds: [
				utf8(printPemBlock("X509 CRL", list)),
				utf8(printPemBlock("CERTIFICATE", leaf)),
			],
			tokens: ["-----BEGIN", "-----", "\r\n", "=", "END X509 CRL"],
			take(bytes) {
				const said = text(bytes);
				readByAny(
					() => parsePem(said),
					() => parsePemBlock(said, "X509 CRL"),
				);
			},
		},
		{
			name: "offer",
			covers: ["tetrad/offer.ts#parseSuites", "tetrad/offer.ts#parseOffer"],
			seeds: [],
			take: (bytes) => void parseOffer(bytes),
		},
		{
			name: "offer to resume",
			covers: ["tetrad/offer.ts#parseResumingOffer"],
			seeds: [
				makeResumingOffer({
					suites: Uint8Array.of(3, hybrid.id),
					selected: hybrid,
					routing: "direct",
					root: "transcript",
					link: "paired",
					token: new Uint8Array(16).fill(7),
				}).raw,
			],
			take: (bytes) => void parseResumingOffer(bytes),
		},
		{
			name: "message 1 of a handshake",
			covers: ["session/noise.ts#readMessage1"],
			seeds: [new Uint8Array(1300).fill(9), new Uint8Array(32).fill(9)],
			secrets: [secret],
			take(bytes) {
				const setup = { protocol: hybrid.protocol, prologue: utf8("prologue") };
				readMessage1(nodeCrypto, setup, bytes);
			},
		},
		{
			name: "record",
			isNeverTaken: true,
			covers: [],
			seeds: [
				encodeFrame(FRAME.record, new Uint8Array(40)),
				// On either side of the length that chooses the AEAD.
				encodeFrame(FRAME.record, new Uint8Array(LONG_BODY_BYTES)),
				encodeFrame(FRAME.record, new Uint8Array(LONG_BODY_BYTES + 1)),
			],
			secrets: [secret],
			take(bytes) {
				const openers = SUITES.map(
					({ protocol: { records } }) =>
						new RecordOpener(nodeCrypto, records, secret),
				);
				for (const opener of openers.slice(1)) {
					try {
						opener.open(bytes);
					} catch (error) {
						if (!(error instanceof TetradError)) throw error;
						continue;
					}
					throw broken("a record opens that nobody sealed");
				}
				openers[0]?.open(bytes);
			},
		},
		{
			name: "several in one record",
			covers: ["session/several.ts#parseSeveral"],
			seeds: [
				joined([CONTENT.message, utf8("one")], [CONTENT.nested, utf8("two")]),
				joined([CONTENT.link, utf8("")], [CONTENT.lists, utf8("")]),
				joined([CONTENT.message, utf8("alone")]),
			],
			take(bytes) {
				const rows = parseSeveral(bytes);
				if (rows === undefined) throw malformed("not joined as it must be");
				if (rows.some(({ type }, at) => type === rows[at - 1]?.type))
					throw broken("contents of one type that follow each other are apart");
				const contents = rows.flatMap(({ type, all }) =>
					all.map((one) => [type, one] as [number, Uint8Array]),
				);
				if (contents.length < 2 || contents.length > MAX_SEVERAL)
					throw broken(`a record has ${contents.length} contents`);
				if (!sameBytes(joined(...contents), bytes))
					throw broken("contents are not what stands in their record");
			},
		},
		{
			name: "note",
			covers: [
				"money/documents/note.ts#readNote",
				"money/documents/note.ts#parseNote",
			],
			seeds: [],
			take(bytes) {
				money.readNote(bytes);
				money.parseNote(nodeCrypto, bytes);
			},
		},
		{
			name: "transfer",
			covers: ["money/documents/transfer.ts#parseTransfer"],
			seeds: [],
			take: (bytes) => void money.parseTransfer(nodeCrypto, bytes),
		},
		{
			name: "receipt",
			covers: [
				"money/documents/receipt.ts#openReceipt",
				"money/documents/receipt.ts#readReceipt",
				"money/documents/receipt.ts#openReceiptUnderChain",
			],
			seeds: [],
			take(bytes) {
				const { payee } = money.readReceipt(bytes);
				const by = called(payee);
				money.openReceipt(trusting, bytes, by);
				money.openReceiptUnderChain(trusting, bytes, device.chain, () => by);
			},
		},
		{
			name: "evidence of double spending",
			isNeverTaken: true,
			covers: ["money/documents/evidence.ts#openEvidence"],
			seeds: [],
			families: ["peer", "caller"],
			take: (bytes) => void money.openEvidence(trusting, bytes, banks),
		},
		{
			name: "archive",
			isNeverTaken: true,
			covers: ["money/documents/archive.ts#openArchive"],
			seeds: [],
			take: (bytes) => void money.openArchive(trusting, bytes, banks),
		},
		...orderTargets(deviceId, key),
		{
			name: "amount",
			covers: ["money/documents/amount.ts#parseAmount"],
			seeds: [utf8("12.50"), utf8("0.01")],
			families: ["caller"],
			take(bytes) {
				const minor = money.parseAmount(text(bytes), currency);
				const again = money.parseAmount(
					money.formatAmount(minor, currency).split(" ")[0] ?? "",
					currency,
				);
				if (again !== minor) throw broken("an amount is another one when told");
			},
		},
		{
			name: "head",
			covers: [
				"money/documents/head.ts#parseHead",
				"money/issuer/module-requests.ts#parseHeadOf",
			],
			seeds: [],
			take(bytes) {
				money.parseHead(bytes);
				requests.parseHeadOf(Buffer.concat([Uint8Array.of(0x30), bytes]));
			},
		},
		{
			name: "list of documents",
			covers: ["money/documents/messages.ts#parseList"],
			seeds: [enc(utf8("a"), utf8("b"))],
			take(bytes) {
				if (!sameBytes(money.encodeList(money.parseList(bytes, 64)), bytes))
					throw broken("a list has two forms");
			},
		},
		{
			name: "several messages",
			covers: [],
			seeds: [
				...money.packMessages([utf8("0one"), utf8("1two")]),
				utf8("0alone"),
			],
			take: (bytes) => void money.unpackMessages(bytes),
		},
		{
			name: "contract",
			covers: ["trade/documents/contract.ts#parseContract"],
			seeds: [],
			take(bytes) {
				const contract = trade.parseContract(nodeCrypto, bytes);
				trade.verifyContract(trusting, contract, called(contract.sellerAgent));
			},
		},
		{
			name: "terms of a contract",
			covers: ["trade/documents/contract.ts#parseTerms"],
			seeds: [],
			take(bytes) {
				if (!sameBytes(trade.encodeTerms(trade.parseTerms(bytes)), bytes))
					throw broken("terms have two forms");
			},
		},
		{
			name: "selling certificate",
			covers: [
				"trade/documents/selling-certificate.ts#parseSellingCertificate",
			],
			seeds: [],
			take: (bytes) => void trade.parseSellingCertificate(bytes),
		},
		{
			name: "what a purchase is for",
			covers: [
				"trade/documents/purchase-terms.ts#parsePurchaseTerms",
				"trade/documents/item.ts#parseItemDescription",
			],
			seeds: [],
			take(bytes) {
				readByAny(
					() => trade.parsePurchaseTerms(bytes),
					() => trade.parseItemDescription(bytes),
				);
			},
		},
		{
			name: "receipt of a purchase",
			covers: ["trade/documents/purchase-receipt.ts#openPurchaseReceipt"],
			seeds: [],
			take(bytes) {
				const contract = contractIn(bytes);
				trade.openPurchaseReceipt(trusting, bytes, (_, role) =>
					called(
						role === "agent" ? contract?.sellerAgent : contract?.sellerModule,
					),
				);
			},
		},
		{
			name: "evidence of a wrong chunk",
			covers: ["trade/merchandise/evidence.ts#openMerchandiseEvidence"],
			seeds: [],
			families: ["peer", "caller"],
			take(bytes) {
				const contract = contractIn(bytes);
				openMerchandiseEvidence(trusting, bytes, () =>
					called(contract?.sellerAgent),
				);
			},
		},
		{
			name: "text of a refund",
			covers: ["trade/documents/refund.ts#parseRefundText"],
			seeds: [
				utf8(trade.refundText({ contract: new Uint8Array(32), number: 3 })),
			],
			take: (bytes) => void trade.parseRefundText(text(bytes)),
		},
		{
			name: "address",
			covers: ["carrier/address.ts#parseAddress"],
			seeds: [utf8("tcp:[::1]:4000"), utf8("unix:/run/a"), utf8("shop:80")],
			families: ["caller"],
			take: (bytes) => void parseAddress(text(bytes)),
		},
		{
			name: "URI of a token's key",
			covers: ["keys/pkcs11-uri.ts#parsePkcs11Uri"],
			seeds: [
				utf8(
					"pkcs11:token=a;id=%01%02;object=b;type=private?module-path=/a.so",
				),
			],
			families: ["caller", "environment"],
			take: (bytes) => void parsePkcs11Uri(text(bytes)),
		},
		{
			name: "URL of PostgreSQL",
			covers: ["store/postgres-url.ts#parsePostgresUrl"],
			seeds: [utf8("postgres://a:b@localhost:5432/c?sslmode=verify-full")],
			families: ["caller", "environment"],
			take: (bytes) => void parsePostgresUrl(text(bytes)),
		},
		{
			name: "private key",
			covers: ["keys/software.ts#parsePrivateKeyDer"],
			seeds: [der],
			secrets: [der.subarray(40, 60)],
			take: async (bytes) =>
				void (await parsePrivateKeyDer(Buffer.from(bytes))),
		},
		{
			name: "sealed secret",
			covers: [],
			seeds: [sealed],
			secrets: [secret],
			families: ["peer", "environment", "caller"],
			weight: 8,
			take: async (bytes) =>
				void (await unsealSecret(
					bytes.length > 40 ? cheap(bytes) : bytes,
					async () => utf8("a passphrase"),
				)),
		},
		{
			name: "backup",
			covers: ["device/purse/backup-content.ts#parseBackup"],
			seeds: [backup()],
			families: ["environment"],
			tokens: JSON_TOKENS,
			take: (bytes) => void parseBackup(bytes),
		},
		{
			name: "lines of the agent's socket",
			covers: [
				"device/service/socket-messages.ts#parseGreeting",
				"device/service/socket-messages.ts#parseRequest",
				"device/service/socket-messages.ts#parseReply",
				"device/service/socket-messages.ts#decoded",
			],
			seeds: [
				jsonSeed({ tetrad: "agent", version: 1, name: "a" }),
				jsonSeed({ do: "quote", with: { merchant: "a", item: "b" } }),
				jsonSeed({ do: "buy", with: { quote: "a", maximum: "3" } }),
				jsonSeed({ stop: true }),
				jsonSeed({ end: true }),
				jsonSeed({ error: { code: "busy", message: "b" } }),
			],
			tokens: JSON_TOKENS,
			take(bytes) {
				const line = text(bytes);
				const schemas = [...Object.values(ASKS), ...Object.values(LISTS)];
				readByAny(
					() => socket.parseGreeting(line),
					() => socket.parseReply(line),
					() => {
						const asked = socket.parseRequest(line);
						if (!("do" in asked)) return;
						for (const { with: schema } of schemas)
							decoded<unknown>(schema, asked.with);
					},
				);
			},
		},
		{
			name: "terms of a paid request",
			covers: [
				"paid/terms.ts#parseTerms",
				"mcp/listed-price.ts#parseListedPrice",
				"paid/x402/ways.ts#parseWay",
				"paid/x402/ways.ts#parsePayload",
				"paid/x402/ways.ts#parsePaymentRequired",
			],
			seeds: [
				jsonSeed(paidTerms),
				jsonSeed(way),
				jsonSeed({ x402Version: 2, accepts: [way] }),
				jsonSeed({ payment: "abc" }),
				jsonSeed({ payload: { payment: "a" }, accepted: way }),
			],
			tokens: JSON_TOKENS,
			take(bytes) {
				const said = json(bytes);
				parseListedPrice(said);
				ways.parsePaymentRequired(said);
				ways.paymentIn(said);
				ways.modeIn(said);
				readByAny(
					() => {
						const terms = parsePaidTerms(said);
						if (writeTerms(terms)["amount"] !== `${terms.amount}`)
							throw broken("an amount is another one when written");
					},
					() => ways.termsOf(ways.parseWay(said)),
					() => ways.parsePayload(said),
				);
			},
		},
		{
			name: "field of x402",
			covers: ["http/x402/fields.ts#readField", "http/x402/kept.ts#readKept"],
			seeds: [
				Buffer.from(jsonSeed({ x402Version: 2 })).toString("base64"),
				JSON.stringify({ answer: "aGVsbG8=" }),
			].map(utf8),
			tokens: JSON_TOKENS,
			take: (bytes) =>
				readByAny(
					() => readField(text(bytes), 1000),
					() => readKept(bytes),
				),
		},
		{
			name: "answer of HTTP",
			covers: ["http/x402/answer.ts#parseAnswer"],
			seeds: [
				encodeAnswer({
					status: 200,
					fields: [["content-type", "text/plain"]],
					body: utf8("hello"),
				}),
				encodeAnswer({ status: 204, fields: [], body: utf8("") }),
			],
			tokens: ["\r\n", "HTTP/1.1 200 ", "a: b", "\r\n\r\n"],
			take(bytes) {
				if (!sameBytes(encodeAnswer(parseAnswer(bytes)), bytes))
					throw broken("an answer has two forms");
			},
		},
		{
			name: "result of a tool",
			covers: ["mcp/tool-result.ts#parseResult"],
			seeds: [jsonSeed({ content: [{ type: "text", text: "a" }] })],
			tokens: JSON_TOKENS,
			take: (bytes) => void parseResult(bytes),
		},
		...fileTargets(
			folder,
			world.agency.root.certificate,
			world.bank.root.certificate,
			currency,
		),
	];
}

/** The contract that is a field of something, where there is one. */
function contractIn(bytes: Uint8Array): trade.Contract | undefined {
	try {
		for (const field of dec(bytes, 16))
			try {
				return trade.parseContract(nodeCrypto, field);
			} catch {}
	} catch {}
	return undefined;
}

/** With the cost of a sealed file made low, which is no secret and only takes time. */
function cheap(bytes: Uint8Array): Uint8Array {
	const out = Uint8Array.from(bytes);
	const view = new DataView(out.buffer);
	for (const [at, most] of [
		[17, 64],
		[21, 2],
		[25, 2],
	] as const)
		view.setUint32(at, view.getUint32(at) % (most + 1));
	return out;
}

function backup(): Uint8Array {
	const head = jsonSeed({
		version: 1,
		module: "ab".repeat(40),
		made: "2026-06-01T12:00:00.000Z",
		changes: "12",
		files: [
			{ name: "purse.json", bytes: 3 },
			{ name: "keys/a.pem", bytes: 2 },
		],
	});
	const length = new Uint8Array(4);
	new DataView(length.buffer).setUint32(0, head.length);
	return Buffer.concat([length, head, utf8("{}\nab")]);
}

/** The orders of an owner, all kinds of them. */
function orderTargets(
	purse: Uint8Array,
	owner: Parameters<typeof money.openOrder>[3],
): Target[] {
	const take =
		(open: (...given: Parameters<typeof money.openOrder>) => unknown) =>
		(bytes: Uint8Array): void => {
			// The purse that it names stands first in each of them.
			let named = purse;
			try {
				const [body] = dec(bytes, 2);
				named = dec(body ?? bytes, 16)[0] ?? purse;
			} catch {}
			open(trusting, bytes, named, owner);
		};
	const name = {
		request: new Uint8Array(16).fill(1),
		mint: money.mintId(nodeCrypto, "https://mint.example"),
	};
	const melt = money.draftEcashOrder(
		{ kind: "melt", invoice: "lnbc1", maxFee: 2n, ...name },
		{ purse, ordered: 3 },
	);
	const FILE = "money/documents/order.ts";
	const LIMITS = "money/documents/spending-order.ts";
	return [
		{
			name: "order",
			covers: [`${FILE}#openOrder`],
			seeds: [],
			take: take(money.openOrder),
		},
		{
			name: "override",
			covers: [`${FILE}#openOverride`],
			seeds: [],
			take: take(money.openOverride),
		},
		{
			name: "cancellation",
			covers: [`${FILE}#openCancellation`],
			seeds: [],
			take: take(money.openCancellation),
		},
		{
			name: "order of ecash",
			covers: ["money/documents/ecash-order.ts#openEcashOrder"],
			seeds: [melt.sign(new Uint8Array(64).fill(1))],
			take: take(money.openEcashOrder),
		},
		{
			name: "limits",
			covers: [`${LIMITS}#openLimits`, `${LIMITS}#readLimits`],
			seeds: [],
			take(bytes) {
				money.readLimits(bytes);
				take(money.openLimits)(bytes);
			},
		},
		{
			name: "approval",
			covers: [`${LIMITS}#openApproval`],
			seeds: [],
			take: take(money.openApproval),
		},
	];
}

/** What reads a file of an owner. */
function fileTargets(
	folder: string,
	agency: Uint8Array,
	bank: Uint8Array,
	currency: { readonly code: string; readonly exponent: number },
): Target[] {
	const file = (
		name: string,
		read: (path: string) => Promise<unknown>,
	): Target["take"] => {
		const path = join(folder, name);
		return async (bytes) => {
			writeFileSync(path, bytes);
			await read(path);
		};
	};
	writeFileSync(join(folder, "a.pem"), printPemBlock("CERTIFICATE", agency));
	writeFileSync(join(folder, "b.pem"), printPemBlock("CERTIFICATE", bank));
	return [
		{
			name: "tetrad.toml",
			covers: [],
			seeds: [
				utf8(
					'version = 1\nkind = "shop"\nname = "a"\n[agent]\n[secrets]\nagent-pin-env = "A"\n[operate]\nlog-size = "10 MB"\n',
				),
				utf8('home = "/a"\n[buy]\n[issuer]\n'),
			],
			families: ["environment"],
			tokens: TOML_TOKENS,
			take: file("tetrad.toml", async (path) => {
				const content = readFileSync(path, "utf8");
				if (content.includes("kind"))
					await readSettingsFile(path, SIDE_FILE_SCHEMA);
				else await readSettingsFile(path, USER_FILE_SCHEMA);
			}),
		},
		{
			name: "policy.json",
			covers: [],
			seeds: [
				jsonSeed({
					version: 1,
					trust: { agencies: ["a.pem"], banks: ["b.pem"] },
					accept: {
						suites: ["hybrid-aesgcm"],
						routings: ["direct"],
						roots: ["transcript"],
						links: ["paired"],
					},
					demands: { peerAgent: { allow: ["ab".repeat(41)] } },
					untrustedLists: { maxAgeDays: 3 },
				}),
			],
			families: ["environment", "caller"],
			tokens: JSON_TOKENS,
			take: file("policy.json", () => readPolicy(folder)),
		},
		{
			name: "device.json",
			covers: [],
			seeds: [
				jsonSeed({
					version: 2,
					role: "agent",
					name: "a",
					key: { file: "key.pem" },
				}),
			],
			families: ["environment"],
			tokens: JSON_TOKENS,
			take: file("device.json", () => readDeviceFile(folder)),
		},
		{
			name: "catalogue.json",
			covers: [],
			seeds: [
				jsonSeed({
					version: 1,
					currency: "EUR",
					items: [
						{ file: "a.txt", price: "1.50", description: "an a" },
						{ name: "b", text: "licence", price: "0.10" },
						{ name: "c", onOrder: true, price: "2" },
					],
				}),
			],
			families: ["environment"],
			tokens: JSON_TOKENS,
			take: file("catalogue.json", () =>
				readCatalogueFile(folder, { currency }),
			),
		},
	];
}

/** A folder for `decoderTargets`, and how it goes away. */
export function scratch(): {
	readonly path: string;
	readonly remove: () => void;
} {
	const path = mkdtempSync(join(tmpdir(), "tetrad-fuzz-"));
	return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
