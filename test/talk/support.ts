/* What the machines of this room are asked and answer, and money for them to talk about. */
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { Ended, Kind, Machine } from "../../src/machine/index.ts";
import type { IssuerTerms, Payment } from "../../src/money/index.ts";
import {
	AgentAnswering,
	type AgentAnsweringEffect,
	type AgentAnsweringEvent,
	type AgentAnsweringOptions,
	FileReceiving,
	type FileReceivingEffect,
	type FileReceivingEvent,
	FileSending,
	type FileSendingEffect,
	type FileSendingEvent,
	PaymentProposing,
	type PaymentProposingEffect,
	type PaymentProposingEvent,
} from "../../src/talk/index.ts";
import { hex } from "../../src/wire/index.ts";
import { CONTRACT, ISSUER } from "./golden.ts";

export function unhex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}

export const TERMS: IssuerTerms = {
	issuer: unhex(ISSUER),
	name: "mint",
	currency: { code: "PLAY", exponent: 2 },
	isPlay: true,
};

export const PAYMENT_OF_650: Payment = {
	contract: unhex(CONTRACT),
	issuer: unhex(ISSUER),
	currency: "PLAY",
	amount: 650n,
};

/** A machine and its effects in words: those with bytes by their hexadecimal form, all others by their kind. */
export class Run<Event extends Kind, Effect extends Kind> {
	readonly machine: Machine<Event, Effect>;
	readonly #words: (effect: Effect | Ended) => string;
	now = 1_700_000_000_000;

	constructor(
		machine: Machine<Event, Effect>,
		words: (effect: Effect) => string | undefined = () => undefined,
	) {
		this.machine = machine;
		this.#words = (effect) =>
			isEnded(effect)
				? `ended: ${effect.error?.code ?? effect.by}`
				: (words(effect) ?? inWords(effect));
	}

	/** Hands over one event after another, each a second later. */
	does(...events: readonly Event[]): string[] {
		return events.flatMap((event) => {
			this.now += 1000;
			return this.machine.handle(event, this.now).map(this.#words);
		});
	}

	/** The error that the last event ends the machine with. */
	fails(...events: readonly Event[]): string {
		return this.does(...events).at(-1) ?? "nothing";
	}
}

function isEnded<Effect extends Kind>(effect: Effect | Ended): effect is Ended {
	return effect.kind === "ended";
}

function inWords(effect: Kind & { readonly bytes?: unknown }): string {
	const { kind, bytes } = effect;
	return bytes instanceof Uint8Array ? `${kind} ${hex(bytes)}` : kind;
}

export function sendingOf(
	name: string,
	size: number,
): Run<FileSendingEvent, FileSendingEffect> {
	return new Run(new FileSending(nodeCrypto, { name, size }), (effect) => {
		switch (effect.kind) {
			case "read":
				return `read ${effect.length} at ${effect.at}`;
			case "progress":
				return `progress ${effect.bytes} of ${effect.size}`;
			case "delivered":
				return `delivered ${hex(effect.sha256)}`;
			default:
				return undefined;
		}
	});
}

export function receiving(
	maxBytes?: number,
): Run<FileReceivingEvent, FileReceivingEffect> {
	return new Run(
		new FileReceiving({
			crypto: nodeCrypto,
			...(maxBytes === undefined ? {} : { maxBytes }),
		}),
		fileWords,
	);
}

function fileWords(effect: FileReceivingEffect): string | undefined {
	switch (effect.kind) {
		case "create":
			return `create ${effect.name}`;
		case "progress":
			return `progress ${effect.bytes} of ${effect.size}`;
		case "received":
			return `received ${effect.file.name}, ${effect.file.size}, ${hex(effect.file.sha256)} at ${effect.path}`;
		default:
			return undefined;
	}
}

export function proposing(
	payment: Payment = PAYMENT_OF_650,
	text = "tea",
): Run<PaymentProposingEvent, PaymentProposingEffect> {
	return new Run(new PaymentProposing(payment, text), (effect) => {
		switch (effect.kind) {
			case "pay":
				return `pay ${effect.payment.amount}`;
			case "paid":
				return `paid ${effect.amount}`;
			default:
				return undefined;
		}
	});
}

export function answering(
	options: Partial<AgentAnsweringOptions> = {},
): Run<AgentAnsweringEvent, AgentAnsweringEffect> {
	return new Run(
		new AgentAnswering({ crypto: nodeCrypto, takesFiles: true, ...options }),
		(effect) => {
			switch (effect.kind) {
				case "text":
					return `text ${effect.text}`;
				case "expect": {
					const { payment, terms, text } = effect.proposed;
					return `expect ${payment.amount} of ${terms.name} for ${text}`;
				}
				default:
					return fileWords(effect);
			}
		},
	);
}
