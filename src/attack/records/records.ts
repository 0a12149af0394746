/* Records that somebody on the way has spoilt, or that the caller itself makes wrong. */
import { MAX_SEVERAL } from "../../session/index.ts";
import {
	BETWEEN_AGENTS_BYTE,
	CONTENT,
	concat,
	copy,
	enc,
	encodeFrame,
	FRAME,
} from "../../wire/index.ts";
import { type Attack, broken, held } from "../attack.ts";
import { allOf } from "../calls.ts";
import { HostileTetrad } from "../hostile/index.ts";
import { type Confirmed, QUESTION, spoiling } from "./spoiling.ts";

const group = "records";
const RECORDS = "docs/protocol.md, Records";

function flipped(frame: Uint8Array, at: number): Uint8Array {
	const changed = copy(frame);
	const place = at < 0 ? frame.length + at : at;
	changed[place] = (changed[place] as number) ^ 1;
	return changed;
}

/** The record as a frame of another length, with the header that fits. */
function resized(frame: Uint8Array, by: number): Uint8Array {
	const body = frame.subarray(5);
	return encodeFrame(
		FRAME.record,
		by < 0 ? body.subarray(0, by) : concat(body, new Uint8Array(by)),
	);
}

const question = ({ outer }: Confirmed) =>
	outer.seal(CONTENT.message, QUESTION);

/** A record of session 2, nested in the next one of session 1. */
const nested = ({ outer }: Confirmed, record: Uint8Array) =>
	outer.seal(CONTENT.nested, record);

/** One of several contents of a record. */
const content = (type: number, bytes: Uint8Array) =>
	concat(Uint8Array.of(type), enc(bytes));

const TWO_QUESTIONS: readonly Uint8Array[] = [
	content(CONTENT.message, QUESTION),
	content(CONTENT.message, QUESTION),
];

const text = Uint8Array.of(0x10, 0x68, 0x69);

export const RECORD_ATTACKS: readonly Attack[] = [
	{
		name: "flipped-record",
		group,
		tried: "one bit of a record is changed: in its content, and in its tag",
		reference: RECORDS,
		run: (target, signal) =>
			allOf([5, 9, -1], (at) =>
				spoiling(target, signal, (it) => [flipped(question(it), at)]),
			),
	},
	{
		name: "repeated-record",
		group,
		tried: "a record comes twice",
		reference: RECORDS,
		run: (target, signal) =>
			spoiling(target, signal, (it) => {
				// The first one is honest, and is closed at once, so that no answer to it is taken for more.
				const record = it.anything(
					it.outer,
					Uint8Array.of(CONTENT.nested, ...nothingNested(it)),
				);
				return [record, record];
			}),
	},
	{
		name: "dropped-record",
		group,
		tried: "a record is left out",
		reference: RECORDS,
		run: (target, signal) =>
			spoiling(target, signal, (it) => {
				question(it);
				return [];
			}),
	},
	{
		name: "reordered-records",
		group,
		tried: "two records come in the other order",
		reference: RECORDS,
		run: (target, signal) =>
			spoiling(target, signal, (it) => {
				const [one, two] = [question(it), question(it)];
				return [two, one];
			}),
	},
	{
		name: "cut-record",
		group,
		tried: "a record is cut, and made longer, under a header that fits",
		reference: RECORDS,
		run: (target, signal) =>
			allOf([-1, -17, 1], (by) =>
				spoiling(target, signal, (it) => [resized(question(it), by)]),
			),
	},
	{
		name: "record-without-content",
		group,
		tried: "a record holds a tag and nothing else, and not even that",
		reference: RECORDS,
		run: (target, signal) =>
			allOf([16, 15, 0], (bytes) =>
				spoiling(target, signal, (it) => [
					bytes === 16
						? it.anything(it.outer, new Uint8Array())
						: encodeFrame(FRAME.record, new Uint8Array(bytes)),
				]),
			),
	},
	{
		name: "unknown-content-type",
		group,
		tried: "a sealed record has a content type that nobody knows",
		reference: RECORDS,
		run: (target, signal) =>
			allOf([7, 127, 255], (type) =>
				spoiling(target, signal, (it) => [
					it.anything(it.outer, Uint8Array.of(type, ...QUESTION)),
				]),
			),
	},
	{
		name: "several-malformed",
		group,
		tried:
			"a record holds none, one or too many contents, cut ones, or what has to be alone",
		reference: "docs/protocol.md, Several in one record",
		run: (target, signal) =>
			allOf(
				[
					[],
					[content(CONTENT.message, QUESTION)],
					Array.from({ length: MAX_SEVERAL + 1 }, () =>
						content(CONTENT.nested, new Uint8Array()),
					),
					[...TWO_QUESTIONS, Uint8Array.of(CONTENT.message)],
					[
						...TWO_QUESTIONS,
						Uint8Array.of(CONTENT.message, 255, 255, 255, 255),
					],
					[...TWO_QUESTIONS, content(CONTENT.handshake, QUESTION)],
					[...TWO_QUESTIONS, content(CONTENT.close, new Uint8Array())],
					[...TWO_QUESTIONS, content(CONTENT.several, QUESTION)],
				],
				(contents) =>
					spoiling(target, signal, ({ outer }) => [
						outer.seal(CONTENT.several, ...contents),
					]),
			),
	},
	{
		name: "several-out-of-turn",
		group,
		tried: "among several contents is one of a link, or one that is too large",
		reference: "docs/protocol.md, Several in one record",
		run: (target, signal) =>
			allOf(
				[
					content(CONTENT.link, QUESTION),
					content(CONTENT.nested, new Uint8Array(262_128)),
				],
				(wrong) =>
					spoiling(
						target,
						signal,
						({ outer }) => [
							outer.seal(
								CONTENT.several,
								content(CONTENT.message, QUESTION),
								wrong,
							),
						],
						{ codes: ["unexpected-message", "limit-exceeded"] },
					),
			),
	},
	{
		name: "content-type-out-of-turn",
		group,
		tried: "once confirmed, the caller sends flights and link messages",
		reference: "docs/protocol.md, Order",
		run: (target, signal) =>
			allOf([CONTENT.handshake, CONTENT.link], (type) =>
				spoiling(target, signal, ({ outer }) => [outer.seal(type, QUESTION)], {
					codes: ["unexpected-message"],
				}),
			),
	},
	{
		name: "frame-in-clear",
		group,
		tried: "once confirmed, somebody sends frames in clear of every type",
		reference: "docs/protocol.md, Negotiation, refusal",
		run: (target, signal) =>
			allOf(
				Object.values(FRAME).filter((type) => type !== FRAME.record),
				(type) =>
					spoiling(
						target,
						signal,
						() => [encodeFrame(type, Uint8Array.of(0))],
						{
							codes: [
								"authentication-failed",
								"refused-by-peer",
								"unexpected-message",
							],
						},
					),
			),
	},
	{
		name: "record-of-another-session",
		group,
		tried: "a record of session 2 is given out for one of session 1",
		reference: "docs/protocol.md, Key exchange, Split",
		run: (target, signal) =>
			spoiling(target, signal, ({ inner }) => [
				inner.seal(CONTENT.message, QUESTION),
			]),
	},
	{
		name: "reflected-record",
		group,
		tried: "the merchant is sent its own record back",
		reference: "docs/protocol.md, Records (a key for each direction)",
		run: (target, signal) =>
			spoiling(target, signal, ({ tetrad }) => [
				tetrad.received.at(-1) ?? new Uint8Array(),
			]),
	},
	{
		name: "record-after-close",
		group,
		tried: "the caller closes session 1, and asks on",
		reference: "docs/protocol.md, Closing",
		run: (target, signal) =>
			spoiling(
				target,
				signal,
				({ outer }) => [outer.seal(CONTENT.close, new Uint8Array())],
				{ codes: ["in order"] },
			),
	},
	{
		name: "close-with-content",
		group,
		tried: "a close says something",
		reference: "docs/protocol.md, Closing",
		run: (target, signal) =>
			spoiling(
				target,
				signal,
				({ outer }) => [outer.seal(CONTENT.close, QUESTION)],
				{ codes: ["malformed"] },
			),
	},
	{
		name: "huge-record",
		group,
		tried: "a header announces a record over the limit, and 4 GiB",
		reference: "docs/protocol.md, Limits",
		run: (target, signal) =>
			allOf(
				[
					[0, 4, 0, 0x12],
					[255, 255, 255, 255],
				],
				(length) =>
					spoiling(
						target,
						signal,
						() => [Uint8Array.of(FRAME.record, ...length)],
						{ codes: ["malformed"] },
					),
			),
	},
	{
		name: "nested-record-spoilt",
		group,
		tried:
			"a record of session 2 is changed, repeated, left out, or none at all",
		reference: "US 5,703,949, claim 3; docs/protocol.md, Order",
		run: (target, signal) =>
			allOf(
				[
					(it: Confirmed) => [
						nested(it, flipped(it.inner.seal(CONTENT.message, text), 7)),
					],
					(it: Confirmed) => {
						const record = it.inner.seal(CONTENT.message, text);
						return [nested(it, record), nested(it, record)];
					},
					(it: Confirmed) => {
						it.inner.seal(CONTENT.message, text);
						return [nested(it, it.inner.seal(CONTENT.message, text))];
					},
					(it: Confirmed) => [nested(it, new Uint8Array(40))],
					(it: Confirmed) => [nested(it, new Uint8Array())],
				],
				(spoil) =>
					spoiling(target, signal, spoil, {
						codes: ["authentication-failed", "malformed"],
						mayAnswer: true,
					}),
			),
	},
	{
		name: "nested-content-out-of-turn",
		group,
		tried: "session 2 carries flights, link messages, lists and itself",
		reference: "docs/protocol.md, Order",
		run: (target, signal) =>
			allOf(
				[CONTENT.handshake, CONTENT.link, CONTENT.lists, CONTENT.nested],
				(type) =>
					spoiling(
						target,
						signal,
						(it) => [nested(it, it.inner.seal(type, text))],
						{ mayAnswer: true },
					),
			),
	},
	{
		name: "nested-record-too-large",
		group,
		tried: "a nested record is larger than a link can carry",
		reference: "docs/protocol.md, Limits",
		run: (target, signal) =>
			spoiling(target, signal, (it) => [nested(it, new Uint8Array(262_128))], {
				codes: ["limit-exceeded"],
			}),
	},
	{
		name: "unknown-message",
		group,
		tried:
			"session 1 carries messages of no kind, of other sessions, and cut ones",
		reference: "docs/protocol.md, What ends the tetrad",
		run: (target, signal) =>
			allOf(
				[
					Uint8Array.of(),
					Uint8Array.of(0),
					Uint8Array.of(0xff, 1, 2, 3),
					Uint8Array.of(0x20, 0, 0, 0, 0),
					Uint8Array.of(0x40),
					Uint8Array.of(BETWEEN_AGENTS_BYTE.list, 0, 0, 0, 9, 1),
					concat(QUESTION, Uint8Array.of(0)),
				],
				(message) =>
					spoiling(
						target,
						signal,
						({ outer }) => [outer.seal(CONTENT.message, message)],
						{ codes: ["in order"] },
					),
			),
	},
	{
		name: "lists-out-of-turn",
		group,
		tried:
			"a part of a list that nobody announced, a list of 4 GiB, and a list message of no kind",
		reference: "docs/protocol.md, Untrusted lists travel",
		run: (target, signal) =>
			allOf(
				[
					Uint8Array.of(0x03, 1),
					Uint8Array.of(0x03),
					Uint8Array.of(0x09, 1),
					Uint8Array.of(0x04),
					Uint8Array.of(0x01, 0, 0, 0, 9),
				],
				(message) =>
					spoiling(
						target,
						signal,
						({ outer }) => [outer.seal(CONTENT.lists, message)],
						{
							codes: [
								"malformed",
								"unexpected-message",
								"limit-exceeded",
								"list-refused",
							],
						},
					),
			),
	},
	{
		name: "records-broken-off",
		group,
		tried: "the connection is broken off in a record, ten times",
		reference: "docs/protocol.md, Closing (truncated)",
		async run(target, signal) {
			const side = await target.hostile();
			for (let number = 0; number < 10; number++) {
				await using wire = await target.connect(signal);
				const tetrad = HostileTetrad.calling(side, wire);
				const end = await tetrad.establish();
				if (end !== "confirmed") return broken(`call ${number} ends ${end}`);
				const { outer } = tetrad.agent.confirmed();
				tetrad.sendRaw(outer.seal(CONTENT.message, QUESTION).subarray(0, 9));
				wire.reset();
			}
			return held("the merchant let go of each, and takes calls");
		},
	},
];

/** The bytes of a record of session 2 that says a text. */
function nothingNested({ inner }: Confirmed): Uint8Array {
	return inner.seal(CONTENT.message, text);
}
