/*
 * Reads captured wires with the keys of the keylog: what each frame was, and what was inside it.
 * It is the auditor's view, and it works only because the devices gave their secrets away.
 */
import { createReadStream } from "node:fs";
import { FrameSplitter } from "../../carrier/index.ts";
import { type Aead, nodeCrypto } from "../../crypto/index.ts";
import { authenticationFailed } from "../../errors.ts";
import {
	type Content,
	message1Overhead,
	nonceFor,
	RecordOpener,
	type Suite,
	type SuiteName,
	suiteByName,
} from "../../session/index.ts";
import {
	LINK_CIPHERS,
	LINK_HEADER_BYTES,
	messages,
	type Place,
	type Routing,
	TETRAD_ID_BYTES,
} from "../../tetrad/index.ts";
import {
	CONTENT,
	FRAME,
	LINK,
	type LinkMessageType,
	parseFrame,
} from "../../wire/index.ts";
import type { Keylog } from "./keylog.ts";
import type { Captured, Wire } from "./wiretap.ts";

/** Something inside something: the layers that were opened, outermost first. */
interface Layer {
	readonly name: string;
	/** The plaintext of this layer; at most the first 4 KiB. */
	readonly bytes: Uint8Array;
	/** Fields of the message, where it has any. */
	readonly fields: Readonly<Record<string, unknown>>;
}

/** One frame on a wire. */
export interface WireFrame {
	readonly wire: Wire;
	readonly from: string;
	readonly to: string;
	/** Milliseconds, by `performance.now`. */
	readonly at: number;
	/** Where it begins in what was captured in this direction. */
	readonly offset: number;
	/** Header included. */
	readonly bytes: number;
	readonly type: number;
	/** What it is, as somebody with every key sees it. */
	readonly name: string;
	readonly layers: readonly Layer[];
}

/** Frames of one name that went one way, and were read and not kept. */
interface Omitted extends Pick<WireFrame, "wire" | "from" | "to" | "name"> {
	readonly count: number;
}

/** What was captured. */
export interface Dissection {
	/** In the order of time. */
	readonly frames: readonly WireFrame[];
	readonly omitted: readonly Omitted[];
}

const KEPT_BYTES = 4096;

/** Frames of each name that are kept in each direction, from the first; the rest of a long transfer is only counted, and takes no other frame's place. */
const MAX_KEPT_FRAMES = 1000;

const LINK_NAME: Readonly<Record<LinkMessageType, string>> &
	Readonly<Record<number, string | undefined>> = {
	[LINK.begin]: "begin",
	[LINK.prepared]: "prepared: I1",
	[LINK.bindInitiator]: "bind: h_o, I2",
	[LINK.initiatorBound]: "bound: I3, h_i",
	[LINK.agentBound]: "fin_A",
	[LINK.confirmInitiator]: "confirm: I4",
	[LINK.initiatorConfirmed]: "confirmed: I5",
	[LINK.resume]: "resume: R1",
	[LINK.resumePrepared]: "prepared: I1",
	[LINK.resumeBind]: "bind: h_o, I2, fin_B",
	[LINK.resumeBound]: "bound: I3, h_i, fin_X",
	[LINK.resumeConfirm]: "confirm: fin_A",
	[LINK.resumeAnswer]: "answer: h_o, I1, R2",
	[LINK.resumeAnswered]: "answered: I2, h_i, fin_Y",
	[LINK.resumeConfirmResponder]: "confirm: fin_A, fin_B, I3",
	[LINK.tokenUnknown]: "token unknown",
	[LINK.answer]: "answer: h_o, I1",
	[LINK.answered]: "answered: I2",
	[LINK.bindResponder]: "bind: I3",
	[LINK.responderBound]: "bound: fin_Y, I4",
	[LINK.confirmResponder]: "confirm: fin_A, fin_B",
	[LINK.nested]: "session 2",
	[LINK.local]: "session 3 or 4",
	[LINK.end]: "end",
	[LINK.chain]: "chain",
	[LINK.lists]: "untrusted lists",
};

/** Everything that was captured, opened as far as the keylog goes. */
export async function dissect(
	captures: readonly Captured[],
	keylog: Keylog,
	run: { readonly suite: SuiteName; readonly routing: Routing },
): Promise<Dissection> {
	const frames: WireFrame[] = [];
	const omitted: Omitted[] = [];
	const suite = suiteByName(run.suite);
	const inner = new InnerReader(keylog, suite, run.routing);
	// The network first: records of session 2 are opened in the order in which they crossed it.
	for (const captured of captures) {
		const reader =
			captured.wire === "network"
				? new NetworkReader(captured, keylog, suite, run.routing, inner)
				: new LinkReader(captured, keylog, suite, run.routing);
		const { wire, from, to } = captured;
		const counts = new Map<string, number>();
		for await (const { frame, offset } of framesOf(captured)) {
			const { name, layers } = reader.read(frame);
			const count = (counts.get(name) ?? 0) + 1;
			counts.set(name, count);
			if (count <= MAX_KEPT_FRAMES)
				frames.push({
					...{ wire, from, to },
					at: timeOf(captured, offset + frame.length - 1),
					offset,
					bytes: frame.length,
					type: frame[0] as number,
					name,
					layers,
				});
		}
		for (const [name, count] of counts)
			if (count > MAX_KEPT_FRAMES)
				omitted.push({ wire, from, to, name, count: count - MAX_KEPT_FRAMES });
	}
	return { frames: frames.sort((a, b) => a.at - b.at), omitted };
}

async function* framesOf(
	captured: Captured,
): AsyncGenerator<{ frame: Uint8Array; offset: number }> {
	const splitter = new FrameSplitter();
	let offset = 0;
	for await (const chunk of createReadStream(
		captured.file,
	) as AsyncIterable<Buffer>) {
		splitter.push(chunk);
		for (
			let frame = splitter.next();
			frame !== undefined;
			frame = splitter.next()
		) {
			yield { frame, offset };
			offset += frame.length;
		}
	}
}

/** When the byte at `offset` arrived. */
function timeOf({ arrivals }: Captured, offset: number): number {
	const index = arrivals.findLastIndex((arrival) => arrival.offset <= offset);
	return arrivals[index]?.at ?? 0;
}

interface Reading {
	readonly name: string;
	readonly layers: readonly Layer[];
}

class NetworkReader {
	readonly #keylog: Keylog;
	readonly #suite: Suite;
	readonly #routing: Routing;
	readonly #inner: InnerReader;
	readonly #opener: RecordOpener | undefined;
	readonly #isInitiator: boolean;
	#flights = 0;

	constructor(
		captured: Captured,
		keylog: Keylog,
		suite: Suite,
		routing: Routing,
		inner: InnerReader,
	) {
		this.#keylog = keylog;
		this.#suite = suite;
		this.#routing = routing;
		this.#inner = inner;
		this.#isInitiator = captured.from === "A";
		const key = keylog.A.get(
			this.#isInitiator ? "S1_INITIATOR" : "S1_RESPONDER",
		);
		this.#opener =
			key && new RecordOpener(nodeCrypto, suite.protocol.records, key);
	}

	read(bytes: Uint8Array): Reading {
		const { type, body } = parseFrame(bytes);
		switch (type) {
			case FRAME.offer: {
				const fields = messages.F1.decode(body);
				const i1 = fields.message1.subarray(
					message1Overhead(this.#suite.protocol.pattern),
				);
				return {
					name: "F1: offer, O1, I1",
					layers: [layer("clear", body, { ...fields, i1 })],
				};
			}
			case FRAME.retry:
				return { name: "retry", layers: [layer("clear", body)] };
			case FRAME.answer:
				return { name: "F2: O2, sealed", layers: this.#flight2(body) };
			case FRAME.record:
				return this.#record(bytes);
			default:
				return { name: `frame ${type}`, layers: [] };
		}
	}

	#flight2(body: Uint8Array): Layer[] {
		const { A } = this.#keylog;
		const payload = openPayload(
			this.#suite,
			body,
			A.get("S1_HANDSHAKE"),
			A.get("OUTER_HASH"),
		);
		if (payload === undefined) return [];
		const fields = messages.F2.decode(payload);
		return [
			layer("session 1", payload, fields),
			...this.#inner.message2(fields.i2),
		];
	}

	#record(bytes: Uint8Array): Reading {
		const contents = this.#opener?.openAll(bytes);
		return contents === undefined
			? { name: "record", layers: [] }
			: joined(contents.map((content) => this.#content(content)));
	}

	#content(content: Content): Reading {
		switch (content.type) {
			case CONTENT.handshake:
				return this.#flight(content);
			case CONTENT.nested:
				return {
					name: "session 2 in session 1",
					layers: [
						layer("session 1", content.bytes),
						...this.#inner.record(content.bytes, this.#isInitiator),
					],
				};
			case CONTENT.close:
				return { name: "close", layers: [layer("session 1", content.bytes)] };
			default:
				return { name: "message", layers: [layer("session 1", content.bytes)] };
		}
	}

	#flight({ bytes }: Content): Reading {
		const number = this.#isInitiator ? 3 + 2 * this.#flights++ : 4;
		const fields =
			number === 4
				? messages.F4.decode(bytes)
				: number === 5
					? messages.F5.decode(bytes)
					: messages.F3[this.#routing].decode(bytes);
		const nested =
			"i3" in fields ? fields.i3 : "i4" in fields ? fields.i4 : fields.i5;
		return {
			name: `F${number}: sealed`,
			layers: [
				layer("session 1", bytes, fields),
				...this.#inner.record(nested, this.#isInitiator),
			],
		};
	}
}

/** Session 2, as it crosses inside session 1. */
class InnerReader {
	readonly #keylog: Keylog;
	readonly #suite: Suite;
	readonly #routing: Routing;
	readonly #openers: readonly [
		RecordOpener | undefined,
		RecordOpener | undefined,
	];
	readonly #count = [0, 0];

	constructor(keylog: Keylog, suite: Suite, routing: Routing) {
		this.#keylog = keylog;
		this.#suite = suite;
		this.#routing = routing;
		const opener = (label: string) => {
			const key = keylog.X.get(label);
			return key && new RecordOpener(nodeCrypto, suite.protocol.records, key);
		};
		this.#openers = [opener("S2_INITIATOR"), opener("S2_RESPONDER")];
	}

	message2(i2: Uint8Array): Layer[] {
		const { X } = this.#keylog;
		const payload = openPayload(
			this.#suite,
			i2,
			X.get("S2_HANDSHAKE"),
			X.get("INNER_HASH"),
		);
		if (payload === undefined) return [];
		return [
			layer("session 2", payload, messages.I2[this.#routing].decode(payload)),
		];
	}

	record(bytes: Uint8Array, fromInitiator: boolean): Layer[] {
		const side = fromInitiator ? 0 : 1;
		const contents = this.#openers[side]?.openAll(bytes) ?? [];
		const [content] = contents;
		if (content === undefined) return [];
		const record = this.#count[side] as number;
		this.#count[side] = record + 1;
		if (content.type !== CONTENT.handshake)
			return contents.map((one) => layer("session 2", one.bytes));
		const structures = fromInitiator
			? [messages.I3[this.#routing], messages.I5]
			: [messages.I4[this.#routing]];
		const fields = structures[record]?.decode(content.bytes) ?? {};
		return [layer("session 2", content.bytes, fields)];
	}
}

class LinkReader {
	readonly #routing: Routing;
	readonly #local: RecordOpener | undefined;
	readonly #key: Uint8Array | undefined;
	#opener: RecordOpener | undefined;

	constructor(
		captured: Captured,
		keylog: Keylog,
		suite: Suite,
		routing: Routing,
	) {
		const { from, to } = captured;
		const agent = (from === "A" || from === "B" ? from : to) as Place;
		const fromAgent = agent === from;
		this.#key = keylog[agent].get(
			fromAgent ? "LINK_INITIATOR" : "LINK_RESPONDER",
		);
		const local = keylog[agent].get(`LOCAL_${from}${to}`);
		this.#local =
			local && new RecordOpener(nodeCrypto, suite.protocol.records, local);
		this.#routing = routing;
	}

	read(bytes: Uint8Array): Reading {
		const { type, body } = parseFrame(bytes);
		if (type === FRAME.openMessage) return this.#message(body, "clear");
		if (type === FRAME.record && this.#key !== undefined) {
			return joined(
				this.#openAll(bytes, this.#key).map((content) =>
					content.type === CONTENT.link
						? this.#message(content.bytes, "link")
						: {
								name:
									content.type === CONTENT.close ? "link closed" : "L3: sealed",
								layers: [],
							},
				),
			);
		}
		const names: Readonly<Record<number, string>> = {
			[FRAME.linkHello]: "L1: link opened",
			[FRAME.linkAnswer]: "L2: sealed",
			[FRAME.openHello]: "chain, in clear",
		};
		return { name: names[type] ?? `frame ${type}`, layers: [] };
	}

	/** The two ends have agreed on a cipher under seal; the first record shows which it is, since it opens under no other. */
	#openAll(bytes: Uint8Array, key: Uint8Array): readonly Content[] {
		if (this.#opener !== undefined) return this.#opener.openAll(bytes);
		for (const { records } of LINK_CIPHERS) {
			const opener = new RecordOpener(nodeCrypto, records, key);
			try {
				const contents = opener.openAll(bytes);
				this.#opener = opener;
				return contents;
			} catch {
				// Then it was sealed with another one.
			}
		}
		throw authenticationFailed();
	}

	#message(bytes: Uint8Array, name: string): Reading {
		const type = bytes[TETRAD_ID_BYTES] as number;
		const body = bytes.subarray(LINK_HEADER_BYTES);
		const layers = [layer(name, body, this.#fields(type, body))];
		if (type === LINK.local && this.#local !== undefined)
			for (const one of this.#local.openAll(body))
				layers.push(layer("session 3 or 4", one.bytes));
		return { name: LINK_NAME[type] ?? `type ${type}`, layers };
	}

	#fields(type: number, body: Uint8Array): object {
		switch (type) {
			case LINK.prepared:
				return messages.PREPARED.decode(body);
			case LINK.bindInitiator:
				return messages.BIND_INITIATOR.decode(body);
			case LINK.answer:
				return messages.ANSWER.decode(body);
			case LINK.answered:
				return messages.ANSWERED.decode(body);
			case LINK.bindResponder:
				return messages.BIND_RESPONDER[this.#routing].decode(body);
			default:
				return {};
		}
	}
}

/** What came together in one record. A name that comes again and again is said once. */
function joined(readings: readonly Reading[]): Reading {
	const names = new Set(readings.map(({ name }) => name));
	return {
		name: [...names].join(", "),
		layers: readings.flatMap(({ layers }) => layers),
	};
}

/** The payload of a message 2: sealed at counter 0 under the last handshake key. */
function openPayload(
	{ protocol }: Suite,
	message: Uint8Array,
	key: Uint8Array | undefined,
	hash: Uint8Array | undefined,
): Uint8Array | undefined {
	if (key === undefined || hash === undefined) return undefined;
	const tokens = protocol.pattern === "NNhfs" ? 32 + 1104 : 32;
	const cipher: Aead = nodeCrypto.aead(protocol.aead, key);
	return cipher.open(
		nonceFor(protocol.aead, 0),
		hash,
		message.subarray(tokens),
	);
}

function layer(name: string, bytes: Uint8Array, fields: object = {}): Layer {
	return { name, bytes: bytes.slice(0, KEPT_BYTES), fields: { ...fields } };
}
