/* A certified payer whose module pays otherwise than it was agreed. */
import { setTimeout as pause } from "node:timers/promises";
import { nodeCrypto } from "../../crypto/index.ts";
import { openAgent, openIssuer } from "../../device/service/index.ts";
import { asTetradError } from "../../errors.ts";
import { generateSoftwareKey } from "../../keys/index.ts";
import {
	draftNote,
	draftTransfer,
	messages,
	type Note,
	parseNote,
	type Transfer,
} from "../../money/index.ts";
import { copy, hex } from "../../wire/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import {
	type Deliver,
	isRefused,
	outcomeOf,
	type PaymentAltered,
	type Prepare,
	pays,
	type Rogue,
	readTransfer,
	rogueOf,
} from "../market/index.ts";
import type { Target } from "../target.ts";

/** How often the issuer is asked whether it accuses somebody, and how long between. */
const TRIES = 10;
const PAUSE_MS = 1000;

const random = (length: number) => nodeCrypto.random(length);

/** An attack that is one payment with something changed in it. */
function payment(
	attack: Pick<Attack, "name" | "tried" | "reference">,
	altered: (rogue: Rogue) => PaymentAltered,
): Attack {
	return {
		...attack,
		group: "payments",
		async run(target: Target, signal: AbortSignal): Promise<Outcome> {
			const rogue = await rogueOf(target);
			return isRefused(rogue, target, signal, altered(rogue));
		},
	};
}

/** A payment whose transfer says something else, signed by its holder. */
function transfer(
	attack: Pick<Attack, "name" | "tried" | "reference">,
	change: (transfer: Transfer, rogue: Rogue) => Partial<Transfer>,
): Attack {
	return payment(attack, (rogue) =>
		resigned(rogue, (agreed) => change(agreed, rogue)),
	);
}

function resigned(
	rogue: Rogue,
	change: (transfer: Transfer) => Partial<Transfer>,
): PaymentAltered {
	return {
		async deliver(deliver) {
			const agreed = readTransfer(deliver);
			const draft = draftTransfer({ ...agreed, ...change(agreed) });
			const signature = await rogue.moduleSigner.sign(draft.toSign);
			const { document } = draft.sign(nodeCrypto, signature);
			return { ...deliver, transfer: document };
		},
	};
}

/** A payment with other notes, signed by somebody who is no issuer. */
async function withNotes<Paying extends Prepare | Deliver>(
	paying: Paying,
	change: (note: Note) => Promise<Uint8Array>,
): Promise<Paying> {
	const notes = paying.notes.map((note) => change(parseNote(nodeCrypto, note)));
	return { ...paying, notes: await Promise.all(notes) };
}

const JUDGES = "docs/money.md, A payment";

/** What somebody put in the place of a note that was made larger keeps its signature: it does not fit any more. */
function enlarged(note: Note): Uint8Array {
	const { document } = draftNote({ ...note, value: note.value * 2n }).sign(
		nodeCrypto,
		note.document.slice(-64),
	);
	return document;
}

export const FORGED_PAYMENTS: readonly Attack[] = [
	transfer(
		{
			name: "payment-of-less",
			tried:
				"A buyer's module paid one minor unit less than the price that both had agreed on.",
			reference: JUDGES,
		},
		({ amount, pieces }) => {
			const [first, ...rest] = pieces;
			if (first === undefined) return {};
			const less = { ...first, amount: first.amount - 1n };
			return { amount: amount - 1n, pieces: [less, ...rest] };
		},
	),
	transfer(
		{
			name: "payment-for-another-contract",
			tried: "A buyer's module paid, and named another contract.",
			reference: JUDGES,
		},
		() => ({ contract: random(32) }),
	),
	transfer(
		{
			name: "payment-from-another-tetrad",
			tried: "A buyer's module paid with the binding of another tetrad.",
			reference: "docs/money.md, Words",
		},
		() => ({ binding: random(32) }),
	),
	transfer(
		{
			name: "payment-between-other-parties",
			tried: "A buyer's module paid with the parties of another tetrad.",
			reference: "docs/money.md, Transfer",
		},
		() => ({ parties: random(32) }),
	),
	transfer(
		{
			name: "payment-to-somebody-else",
			tried:
				"A buyer's module paid the issuer, and asked the merchant for the key.",
			reference: "docs/money.md, Transfer",
		},
		({ issuer }) => ({ payee: issuer }),
	),
	transfer(
		{
			name: "range-beyond-its-note",
			tried:
				"A buyer's module paid with a range that lies behind the end of its note.",
			reference: "docs/money.md, Transfer",
		},
		({ pieces }) => ({
			pieces: pieces.map((piece) => ({ ...piece, offset: 2n ** 40n })),
		}),
	),
	payment(
		{
			name: "signature-of-another-key",
			tried:
				"Somebody with a copy of the notes, and without their key, signed the payment.",
			reference: "docs/money.md, Transfer",
		},
		() => ({
			async deliver(deliver) {
				const thief = generateSoftwareKey("P-256");
				const draft = draftTransfer(readTransfer(deliver));
				const { document } = draft.sign(
					nodeCrypto,
					await thief.sign(draft.toSign),
				);
				return { ...deliver, transfer: document };
			},
		}),
	),
	payment(
		{
			name: "note-of-no-issuer",
			tried:
				"A certified module, which is no issuer, signed a note in the name of the issuer.",
			reference: "docs/money.md, Note",
		},
		(rogue) => ({
			async prepare(prepare) {
				const { encodedChain, certificateId } = rogue.certified.module;
				const forged = await withNotes(prepare, async (note) => {
					const draft = draftNote({
						...note,
						issuerCertificate: certificateId,
						serial: random(32),
					});
					const signature = await rogue.moduleSigner.sign(draft.toSign);
					return draft.sign(nodeCrypto, signature).document;
				});
				return { ...forged, chains: [encodedChain] };
			},
		}),
	),
	payment(
		{
			name: "note-made-larger",
			tried:
				"A buyer's module showed a note of twice its value, with the signature that it had.",
			reference: "docs/money.md, Note",
		},
		() => ({
			prepare: (prepare) => withNotes(prepare, async (note) => enlarged(note)),
		}),
	),
	{
		name: "payment-sent-again",
		group: "payments",
		tried:
			"A buyer's module showed the payment for one purchase for the next one.",
		reference: JUDGES,
		async run(target, signal) {
			const rogue = await rogueOf(target);
			const { deliver } = messages.BETWEEN_MODULES;
			let first: Uint8Array | undefined;
			const honest = await pays(rogue, target, signal, {
				async deliver(paid) {
					first = copy(messages.message(deliver, paid));
					return paid;
				},
			});
			if (honest.kind !== "accepted" || first === undefined)
				return broken("an honest payment was not taken");
			const sent = messages.body(deliver, first);
			const again = await pays(rogue, target, signal, {
				deliver: async () => sent,
			});
			return outcomeOf(again);
		},
	},
	{
		name: "range-spent-twice",
		group: "payments",
		tried:
			"A buyer's module signed one range of a note for two purchases, as a copied or broken module can.",
		reference: "docs/money.md, Double spending",
		async run(target, signal) {
			const merchant = target.side("merchant");
			const mint = target.side("issuer");
			const rogue = await rogueOf(target);
			let first: Transfer | undefined;
			const honest = await pays(rogue, target, signal, {
				async deliver(deliver) {
					first = readTransfer(deliver);
					return deliver;
				},
			});
			if (honest.kind !== "accepted" || first === undefined)
				return broken("an honest payment was not taken");
			const { pieces } = first;
			const again = await pays(
				rogue,
				target,
				signal,
				resigned(rogue, () => ({ pieces })),
			);
			if (again.kind !== "accepted") return outcomeOf(again);
			// Nobody can prevent it: the first is booked, and whoever signed both is accused.
			await using agent = await openAgent(merchant.path);
			await using issuer = await openIssuer(mint.path);
			const holder = hex(rogue.certified.module.deviceId);
			// The merchant may be depositing by itself already, and brings whichever it likes first.
			for (let tries = 1; tries <= TRIES; tries++) {
				const told = await agent.settle({ signal }).then(
					() => "nothing",
					(thrown: unknown) => asTetradError(thrown).code,
				);
				for await (const { holderId } of issuer.conflicts())
					if (holderId === holder)
						return held(
							`detected and not prevented, as promised: one was booked, the merchant is told ${told}, and the issuer has evidence against the module`,
						);
				await pause(PAUSE_MS, undefined, { signal });
			}
			return broken("both were taken, and nobody is accused");
		},
	},
];
