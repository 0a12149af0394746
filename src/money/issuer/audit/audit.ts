/*
 * The audit of a ledger: everything is computed again from the tables alone. It is a list of
 * steps; each goes through one table in order, and says of each row what has to be read beside it
 * and whether it fits. Nothing grows with the number of rows.
 */
import { type CryptoProvider, HASH_BYTES } from "../../../crypto/index.ts";
import { asTetradError, TetradError } from "../../../errors.ts";
import {
	type CertifiedDevice,
	certificateId,
	parseCertificate,
	parseChain,
	type TrustAnchor,
	validateChain,
} from "../../../identity/index.ts";
import {
	byKey,
	type Columns,
	done,
	type Read,
	type Row,
	reading,
	type Table,
	type Transaction,
} from "../../../machine/index.ts";
import { hex, parseUtf8, sameBytes, utf8 } from "../../../wire/index.ts";
import {
	body,
	type IssuerTerms,
	MAX_AUDIT_CHAINS,
	MAX_AUDIT_PROBLEMS,
	MAX_NEW_NOTES,
	MAX_PIECES,
	type Note,
	overlap,
	parseList,
	parseNote,
	parseTransfer,
	parseUint64,
	sameCurrency,
	type Transfer,
	type VerifiedNote,
	verifyNote,
	verifyTransferOfNote,
	WITH_ISSUER,
} from "../../documents/index.ts";
import {
	conflictId,
	creditTransaction,
	type EntryKind,
	foldRows,
	ledgerValue,
	nameInDeviceId,
	predecessor,
	requestTransaction,
	SYSTEM,
} from "../ledger.ts";
import {
	ACCOUNTS,
	ANSWERS,
	BOOKINGS,
	CHAINS,
	CONFLICTS,
	CREDITS,
	ENTRIES,
	META,
	NOTES,
	type RowOf,
	TRANSFERS,
} from "../ledger-tables.ts";

/** Amounts in minor units: issued = outstanding + returned + expired. */
export interface AuditResult {
	/** The value of all notes that were ever issued. */
	readonly issued: bigint;
	/** What of it has not come back, also of notes that have expired and can still be claimed. */
	readonly outstanding: bigint;
	/** What was deposited and exchanged. */
	readonly returned: bigint;
	/** What holders claimed of notes that had expired. */
	readonly expired: bigint;
	/** Whether there is no problem at all. */
	readonly balanced: boolean;
	/** What does not fit, each with the row; at most `MAX_AUDIT_PROBLEMS`. */
	readonly problems: readonly string[];
}

/** One way through a table. */
export interface AuditStep {
	readonly read: Omit<Read, "limit">;
	/** To be called with each row in order; what it returns is to be carried out before the step finishes, and writes nothing. */
	check(row: Row): Transaction<void>;
	/** After the last row. */
	finish(): Transaction<void>;
}

const NOTHING: Transaction<void> = done([], undefined);

type Line = readonly [
	account: Uint8Array,
	amount: bigint,
	reference: Uint8Array,
];

export class Audit {
	readonly steps: readonly AuditStep[];
	readonly #crypto: CryptoProvider;
	readonly #terms: IssuerTerms;
	readonly #banks: readonly TrustAnchor[];
	readonly #problems: string[] = [];
	readonly #issuers = new Map<string, CertifiedDevice>();
	#isSound = true;
	/** By the documents, and by the entries. */
	readonly #sums = { issued: 0n, returned: 0n, expired: 0n };
	/** What answers credited for claims: no document says who claimed. */
	#claimed = 0n;
	/** Transfers that came after another, by the transfers and by the answers to them. */
	readonly #late = { transfers: 0, answers: 0 };
	readonly #entered = { issued: 0n, returned: 0n, expired: 0n, backing: 0n };

	/** `banks` are the roots under which the issuer was certified at any time. */
	constructor(
		crypto: CryptoProvider,
		terms: IssuerTerms,
		banks: readonly TrustAnchor[],
	) {
		this.#crypto = crypto;
		this.#terms = terms;
		this.#banks = banks;
		this.steps = [
			this.#step(NOTES, this.#notes()),
			this.#step(BOOKINGS, this.#bookings()),
			this.#step(TRANSFERS, this.#transfers()),
			this.#step(ENTRIES, this.#entries()),
			this.#step(ENTRIES, this.#balances(), "by_account"),
			this.#step(ACCOUNTS, this.#accounts()),
			this.#step(CREDITS, this.#credits()),
			this.#step(CONFLICTS, this.#conflicts()),
			this.#step(ANSWERS, this.#answers()),
			this.#step(META, this.#meta()),
		];
	}

	/** When all steps are done. */
	result(): AuditResult {
		const { issued, returned, expired } = this.#sums;
		for (const name of ["issued", "returned", "expired"] as const) {
			const sum = name === "issued" ? issued : -this.#sums[name];
			if (this.#entered[name] !== sum)
				this.#problem(
					`entries: those of "${name}" sum to ${this.#entered[name]}, and the notes and bookings to ${sum}`,
				);
		}
		if (this.#entered.expired !== -this.#claimed)
			this.#problem(
				`entries: those of "expired" sum to ${this.#entered.expired}, and the answers to claims to ${-this.#claimed}`,
			);
		const { transfers, answers } = this.#late;
		if (transfers !== answers)
			this.#problem(
				`answers: ${answers} say that a transfer came after another, and ${transfers} such transfers are there`,
			);
		return {
			issued,
			outstanding: issued - returned - expired,
			returned,
			expired,
			balanced: this.#isSound,
			problems: this.#problems,
		};
	}

	/** Every note was signed here, as it stands in its row, in answer to the request that it names. */
	#notes(): Checks<RowOf<typeof NOTES>> {
		let last: Uint8Array | undefined;
		return {
			check: (row) => {
				const at = rowName("notes", row.id);
				if (last !== undefined && sameBytes(last, row.id))
					this.#problem(`${at}: it is there twice`);
				last = row.id;
				this.#sums.issued += row.value;
				const note = this.#try(at, () => this.#noteOf(row));
				if (note === undefined) return NOTHING;
				const transaction = this.#transaction(row.holder, row.request);
				return reading(
					[
						byKey(CHAINS, { certificate: note.issuerCertificate }),
						byKey(CHAINS, { certificate: row.holder_certificate }),
						byKey(ANSWERS, { device: row.holder, request: row.request }),
						linesOf(row.issued, transaction),
					],
					([[chain], [holder], [answer], lines]) => {
						this.#try(at, () => {
							this.#verify(note, chain);
							this.#requireHolder(note, holder);
							demand(
								answer !== undefined && isAnsweredBy(note, answer.answer),
								"no answer to a request holds it",
							);
							const other = lines.find(({ account }) =>
								isSystem(account, "returned"),
							);
							demandLines(lines, [
								[SYSTEM.issued, note.value, note.id],
								other === undefined
									? [note.holder, -note.value, note.id]
									: [SYSTEM.returned, -note.value, other.reference],
							]);
						});
						return NOTHING;
					},
				);
			},
		};
	}

	/** Every booking is a range of its note that no other has, and a piece of its transfer or a claim. */
	#bookings(): Checks<RowOf<typeof BOOKINGS>> {
		let last: { readonly note: Uint8Array; readonly end: bigint } = {
			note: new Uint8Array(),
			end: 0n,
		};
		return {
			check: (row) => {
				const at = `${rowName("bookings", row.note)} from ${row.offset}`;
				const end = row.offset + row.amount;
				const isClaim = row.kind === "claim";
				this.#try(at, () => {
					demand(row.offset >= 0n && row.amount > 0n, "it is no range");
					demand(
						!sameBytes(last.note, row.note) || last.end <= row.offset,
						"it overlaps the booking before it",
					);
					demand(
						["deposit", "exchange", "claim"].includes(row.kind),
						"it is of no known kind",
					);
				});
				last = { note: row.note, end };
				this.#sums[isClaim ? "expired" : "returned"] += row.amount;
				return reading(
					[
						byKey(NOTES, { id: row.note }),
						byKey(TRANSFERS, { id: row.reference }),
						linesOf(row.at, row.reference),
					],
					([[note], [transfer], lines]) => {
						this.#try(at, () => {
							demand(note !== undefined, "there is no such note");
							demand(end <= note.value, "it goes beyond its note");
							if (isClaim) {
								demand(row.at >= note.expires, "the note had not expired");
								demand(
									lines.some(
										({ account, reference }) =>
											isSystem(account, "expired") &&
											sameBytes(reference, row.note),
									),
									"no entry says that it was claimed",
								);
								return;
							}
							demand(transfer !== undefined, "its transfer is not there");
							const { pieces, payee } = parseTransfer(
								this.#crypto,
								transfer.document,
							);
							demand(
								pieces.some(
									({ noteId, offset, amount }) =>
										sameBytes(noteId, row.note) &&
										offset === row.offset &&
										amount === row.amount,
								),
								"it is no piece of its transfer",
							);
							demand(
								row.kind === (this.#isOwn(payee) ? "exchange" : "deposit") &&
									row.at === transfer.at,
								"it is not of the kind or the time of its transfer",
							);
						});
						return NOTHING;
					},
				);
			},
		};
	}

	/** Every transfer was signed by the holder, and each piece is booked for it or, with evidence, for an earlier one. */
	#transfers(): Checks<RowOf<typeof TRANSFERS>> {
		let last: Uint8Array | undefined;
		return {
			check: (row) => {
				const at = rowName("transfers", row.id);
				if (last !== undefined && sameBytes(last, row.id))
					this.#problem(`${at}: it is there twice`);
				last = row.id;
				const transfer = this.#try(at, () => {
					const read = parseTransfer(this.#crypto, row.document);
					demand(sameBytes(read.id, row.id), "its document is another one");
					return read;
				});
				return transfer === undefined
					? NOTHING
					: this.#transfer(at, row, transfer);
			},
		};
	}

	#transfer(
		at: string,
		row: RowOf<typeof TRANSFERS>,
		transfer: Transfer,
	): Transaction<void> {
		const isExchange = this.#isOwn(transfer.payee);
		const device = isExchange ? transfer.payer : transfer.payee;
		const [first] = transfer.pieces;
		return reading(
			[
				byKey(NOTES, { id: first?.noteId ?? new Uint8Array() }),
				byKey(ANSWERS, { device, request: row.request }),
				linesOf(row.at, this.#transaction(device, row.request)),
			],
			([[note], [answer], lines]) => {
				this.#try(at, () => {
					demand(answer !== undefined, "its request was not answered");
					demand(
						saysBooked(answer.answer, row.booked),
						"its request was answered with something else",
					);
					if (saysLate(answer.answer)) this.#late.transfers++;
					const other = lines.find(({ account }) =>
						isSystem(account, "issued"),
					);
					demandLines(
						lines,
						row.booked === 0n
							? []
							: [
									[SYSTEM.returned, -row.booked, row.id],
									other === undefined
										? [device, row.booked, row.id]
										: [SYSTEM.issued, row.booked, other.reference],
								],
					);
				});
				const read = this.#try(at, () => {
					demand(note !== undefined, "its note is not there");
					return parseNote(this.#crypto, note.document);
				});
				return read === undefined
					? NOTHING
					: reading(
							[byKey(CHAINS, { certificate: read.issuerCertificate })],
							([[chain]]) => {
								this.#try(at, () =>
									verifyTransferOfNote(
										this.#crypto,
										transfer,
										this.#verify(read, chain),
									),
								);
								return this.#pieces(at, row, transfer, isExchange, answer);
							},
						);
			},
		);
	}

	#pieces(
		at: string,
		row: RowOf<typeof TRANSFERS>,
		{ id, amount: whole, pieces }: Transfer,
		isExchange: boolean,
		answer: RowOf<typeof ANSWERS> | undefined,
	): Transaction<void> {
		return reading(pieces.map(predecessor), (found) => {
			let booked = 0n;
			const missing: bigint[] = [];
			const taken: Uint8Array[] = [];
			for (const [i, piece] of pieces.entries()) {
				const [by] = found[i] ?? [];
				if (by === undefined || by.offset + by.amount <= piece.offset)
					missing.push(piece.offset);
				else if (!sameBytes(by.reference, id)) taken.push(piece.noteId);
				else booked += by.amount;
			}
			this.#try(at, () => {
				demand(
					booked === row.booked,
					`${booked} of it is booked, and not ${row.booked}`,
				);
				if (isExchange)
					demand(
						booked === (taken.length > 0 ? 0n : whole),
						"an exchange is booked as a whole, or not at all",
					);
				else
					demand(
						missing.length === 0,
						`its piece from ${missing[0]} is booked nowhere`,
					);
			});
			return reading(
				[
					{
						table: CONFLICTS,
						index: "by_second",
						equals: { second: id },
						limit: MAX_PIECES,
					},
				],
				([conflicts]) => {
					this.#try(at, () => {
						demand(
							taken.every((noteId) =>
								conflicts.some(({ note }) => sameBytes(note, noteId)),
							),
							"what overlaps it is booked, and no conflict is recorded",
						);
						if (isExchange || answer === undefined) return;
						const told = new Set(conflictsIn(answer.answer).map(hex));
						const first = new Set(conflicts.map((row) => hex(row.first)));
						demand(
							told.symmetricDifference(first).size === 0,
							"its payee was told of other conflicts",
						);
					});
					return NOTHING;
				},
			);
		});
	}

	/** Two lines of each transaction sum to zero, and each line of the issuer's own has its cause. */
	#entries(): Checks<RowOf<typeof ENTRIES>> {
		let group: RowOf<typeof ENTRIES>[] = [];
		const close = () => {
			const [first] = group;
			if (first === undefined) return;
			const at = rowName("entries", first.transaction);
			this.#try(at, () => {
				demand(
					group.reduce((sum, { amount }) => sum + amount, 0n) === 0n,
					"its lines do not sum to zero",
				);
				demand(group.length === 2, "it does not have two lines");
				const names = group.flatMap(({ account }) => systemName(account) ?? []);
				demand(names.length > 0, "it moves money between modules");
				const kinds = kindsOf(names);
				demand(
					kinds.includes(first.kind) &&
						group.every(({ kind }) => kind === first.kind),
					"it is of another kind than its accounts say",
				);
			});
			group = [];
		};
		return {
			check: (row) => {
				const [first] = group;
				if (
					first !== undefined &&
					(first.at !== row.at ||
						!sameBytes(first.transaction, row.transaction))
				)
					close();
				// Beyond three it is wrong already, and shall not grow.
				if (group.length < 3) group.push(row);
				const name = systemName(row.account);
				if (name === undefined) return NOTHING;
				this.#entered[name] += row.amount;
				return this.#cause(row, name);
			},
			finish: () => {
				close();
				return NOTHING;
			},
		};
	}

	#cause(
		row: RowOf<typeof ENTRIES>,
		name: keyof typeof SYSTEM,
	): Transaction<void> {
		const at = `${rowName("entries", row.transaction)} of "${name}"`;
		const { reference, transaction, amount } = row;
		const say = (fits: boolean): Transaction<void> => {
			this.#try(at, () =>
				demand(fits, "its cause is not there, or says otherwise"),
			);
			return NOTHING;
		};
		switch (name) {
			case "issued":
				return reading([byKey(NOTES, { id: reference })], ([[note]]) =>
					say(
						note !== undefined &&
							note.value === amount &&
							note.issued === row.at &&
							sameBytes(
								this.#transaction(note.holder, note.request),
								transaction,
							),
					),
				);
			case "returned":
				return reading([byKey(TRANSFERS, { id: reference })], ([[transfer]]) =>
					say(
						transfer !== undefined &&
							transfer.booked === -amount &&
							transfer.at === row.at,
					),
				);
			case "expired":
				return foldRows(
					{ table: BOOKINGS, equals: { note: reference } },
					0n,
					(sum, booking) =>
						booking.kind === "claim" &&
						sameBytes(booking.reference, transaction)
							? sum + booking.amount
							: sum,
					(sum) => say(sum === -amount),
				);
			case "backing": {
				const text = this.#try(at, () => parseUtf8(reference)) ?? "";
				return reading([byKey(CREDITS, { reference: text })], ([[credit]]) =>
					say(
						credit !== undefined &&
							credit.amount === -amount &&
							credit.at === row.at &&
							sameBytes(creditTransaction(this.#crypto, text), transaction),
					),
				);
			}
		}
	}

	/** The entries of each account sum to what it holds. */
	#balances(): Checks<RowOf<typeof ENTRIES>> {
		let sum = 0n;
		let id: Uint8Array | undefined;
		const close = (): Transaction<void> => {
			if (id === undefined || systemName(id) !== undefined) return NOTHING;
			const [at, held] = [rowName("accounts", id), sum];
			return reading([byKey(ACCOUNTS, { id })], ([[account]]) => {
				this.#try(at, () => {
					demand(account !== undefined, "it has entries and is not there");
					demand(
						account.balance === held,
						`it holds ${account.balance}, and its entries sum to ${held}`,
					);
				});
				return NOTHING;
			});
		};
		return {
			check: ({ account, amount }) => {
				if (id !== undefined && sameBytes(id, account)) {
					sum += amount;
					return NOTHING;
				}
				const closing = close();
				id = account;
				sum = amount;
				return closing;
			},
			finish: close,
		};
	}

	#accounts(): Checks<RowOf<typeof ACCOUNTS>> {
		let last: Uint8Array | undefined;
		return {
			check: (row) => {
				const at = rowName("accounts", row.id);
				this.#try(at, () => {
					demand(
						last === undefined || !sameBytes(last, row.id),
						"it is there twice",
					);
					demand(row.balance >= 0n, "it holds less than nothing");
					demand(
						nameInDeviceId(row.id) === row.name,
						"it has another name than its module",
					);
					demand(
						row.opened >= 0n && row.opened <= MAX_TIME,
						"it was opened at no time",
					);
				});
				last = row.id;
				return reading(
					[
						{
							table: ENTRIES,
							index: "by_account",
							equals: { account: row.id },
							limit: 1,
						},
					],
					([entries]) => {
						this.#try(at, () =>
							demand(
								entries.length > 0 || row.balance === 0n,
								`it holds ${row.balance}, and has no entries`,
							),
						);
						return NOTHING;
					},
				);
			},
		};
	}

	#credits(): Checks<RowOf<typeof CREDITS>> {
		return {
			check: ({ reference, account, amount, at: time }) => {
				const transaction = creditTransaction(this.#crypto, reference);
				const about = utf8(reference);
				return reading([linesOf(time, transaction)], ([lines]) => {
					this.#try(rowName("credits", about), () =>
						demandLines(lines, [
							[account, amount, about],
							[SYSTEM.backing, -amount, about],
						]),
					);
					return NOTHING;
				});
			},
		};
	}

	#conflicts(): Checks<RowOf<typeof CONFLICTS>> {
		return {
			check: ({ id, note, first, second, holder, at }) =>
				reading(
					[byKey(TRANSFERS, { id: first }), byKey(TRANSFERS, { id: second })],
					([[one], [other]]) => {
						this.#try(rowName("conflicts", id), () => {
							demand(
								one !== undefined && other !== undefined,
								"one of its transfers is not there",
							);
							const a = parseTransfer(this.#crypto, one.document);
							const b = parseTransfer(this.#crypto, other.document);
							demand(
								sameBytes(a.payer, holder) &&
									sameBytes(b.payer, holder) &&
									sameBytes(
										id,
										conflictId(this.#crypto, note, first, second),
									) &&
									a.pieces.some((piece) =>
										b.pieces.some(
											(rival) =>
												sameBytes(piece.noteId, note) && overlap(piece, rival),
										),
									),
								"its transfers do not overlap on that note",
							);
							demand(
								other.at === at,
								"it is of another time than its later transfer",
							);
						});
						return NOTHING;
					},
				),
		};
	}

	/** What was answered was done: a note that was sent is there, and what was credited was entered. */
	#answers(): Checks<RowOf<typeof ANSWERS>> {
		let last: RowOf<typeof ANSWERS> | undefined;
		return {
			check: (row) => {
				const { device, request } = row;
				const at = rowName("answers", request);
				if (
					last !== undefined &&
					sameBytes(last.device, device) &&
					sameBytes(last.request, request)
				)
					this.#problem(`${at}: it is there twice`);
				last = row;
				const said = this.#try(at, () => {
					if (saysLate(row.answer)) this.#late.answers++;
					return this.#said(row);
				});
				if (said === undefined) return NOTHING;
				return reading(
					[
						linesOf(row.at, this.#transaction(device, request)),
						...said.notes.map(({ id }) => byKey(NOTES, { id })),
					] as never,
					([lines, ...found]: readonly [
						readonly RowOf<typeof ENTRIES>[],
						...(readonly RowOf<typeof NOTES>[])[],
					]) => {
						this.#try(at, () => {
							for (const [i, note] of said.notes.entries()) {
								const [row] = found[i] ?? [];
								demand(
									row !== undefined && sameBytes(row.document, note.document),
									"a note in it is not there",
								);
								demand(
									sameBytes(row.holder, device) &&
										sameBytes(row.request, request),
									"a note in it answers another request",
								);
							}
							demand(
								lines.length === 0
									? said.amount === 0n
									: lines.some(({ amount }) => amount === said.amount),
								"its entries are not there, or say something else",
							);
						});
						const claim = lines.find(({ account }) =>
							isSystem(account, "expired"),
						);
						return claim === undefined
							? NOTHING
							: this.#claim(at, device, said.amount, claim, lines);
					},
				);
			},
		};
	}

	/** A claim is its holder's, and so is what it credited. */
	#claim(
		at: string,
		device: Uint8Array,
		amount: bigint,
		{ reference }: RowOf<typeof ENTRIES>,
		lines: readonly RowOf<typeof ENTRIES>[],
	): Transaction<void> {
		this.#claimed += amount;
		return reading([byKey(NOTES, { id: reference })], ([[note]]) => {
			this.#try(at, () => {
				demand(
					note !== undefined && sameBytes(note.holder, device),
					"it claimed a note of another holder",
				);
				demandLines(lines, [
					[device, amount, reference],
					[SYSTEM.expired, -amount, reference],
				]);
			});
			return NOTHING;
		});
	}

	/** What an answer says: the notes that it makes, and what it enters into the account or in notes. */
	#said({ request, answer }: RowOf<typeof ANSWERS>): Said {
		switch (answer[0]) {
			case WITH_ISSUER.issued.type: {
				const fields = body(WITH_ISSUER.issued, answer);
				demand(sameBytes(fields.request, request), OTHER_REQUEST);
				const notes = parseList(fields.notes, MAX_NEW_NOTES).map((document) =>
					parseNote(this.#crypto, document),
				);
				const amount = notes.reduce((sum, { value }) => sum + value, 0n);
				return { notes, amount };
			}
			case WITH_ISSUER.booked.type: {
				const fields = body(WITH_ISSUER.booked, answer);
				demand(sameBytes(fields.request, request), OTHER_REQUEST);
				return { notes: [], amount: parseUint64(fields.credited) };
			}
			case WITH_ISSUER.declined.type: {
				const fields = body(WITH_ISSUER.declined, answer);
				demand(sameBytes(fields.request, request), OTHER_REQUEST);
				return { notes: [], amount: 0n };
			}
			default:
				throw new TetradError("malformed", "it is no answer of an issuer");
		}
	}

	/** The store is this issuer's, so that no other will take it for its own. */
	#meta(): Checks<RowOf<typeof META>> {
		let count = 0;
		return {
			check: ({ name, value }) => {
				count++;
				this.#try(`meta ${name}`, () =>
					demand(
						name === "terms" && sameBytes(value, ledgerValue(this.#terms)),
						"it names another issuer, or another money",
					),
				);
				return NOTHING;
			},
			finish: () => {
				if (count === 0) this.#problem("meta: it does not say whose it is");
				return NOTHING;
			},
		};
	}

	/** Evidence needs the chain that says whose key the note names. The bank may be one that is trusted no more. */
	#requireHolder(
		{ holderKey }: Note,
		row: RowOf<typeof CHAINS> | undefined,
	): void {
		demand(row !== undefined, "the chain of its holder is not there");
		const [leaf] = parseChain(row.chain);
		demand(
			leaf !== undefined &&
				sameBytes(certificateId(this.#crypto, leaf), row.certificate) &&
				sameBytes(parseCertificate(leaf).publicKey, holderKey.publicKey),
			"the chain of its holder is another one",
		);
	}

	#noteOf(row: RowOf<typeof NOTES>): Note {
		const note = parseNote(this.#crypto, row.document);
		const { issuer, currency, isPlay } = this.#terms;
		demand(sameBytes(note.id, row.id), "its document is another one");
		demand(
			sameBytes(note.holder, row.holder) &&
				note.value === row.value &&
				BigInt(note.issued) === row.issued &&
				BigInt(note.expires) === row.expires,
			"its row says something else than was signed",
		);
		demand(
			sameBytes(note.issuer, issuer) &&
				sameCurrency(note.currency, currency) &&
				note.isPlay === isPlay,
			"it is of another issuer or another money",
		);
		return note;
	}

	#verify(note: Note, chain: RowOf<typeof CHAINS> | undefined): VerifiedNote {
		const key = hex(note.issuerCertificate);
		let issuer = this.#issuers.get(key);
		if (issuer === undefined) {
			demand(chain !== undefined, "the chain that it was signed under is gone");
			issuer = validateChain(
				this.#crypto,
				chain.chain,
				"module",
				this.#banks,
				note.issued,
			);
			if (this.#issuers.size >= MAX_AUDIT_CHAINS) this.#issuers.clear();
			this.#issuers.set(key, issuer);
		}
		issuer.requireValid(note.issued);
		return verifyNote(this.#crypto, note, issuer);
	}

	#transaction(device: Uint8Array, request: Uint8Array): Uint8Array {
		return requestTransaction(this.#crypto, device, request);
	}

	#isOwn(device: Uint8Array): boolean {
		return sameBytes(device, this.#terms.issuer);
	}

	/** What is thrown is a problem of that row. */
	#try<Value>(row: string, look: () => Value): Value | undefined {
		try {
			return look();
		} catch (thrown) {
			this.#problem(`${row}: ${asTetradError(thrown).message}`);
			return undefined;
		}
	}

	#problem(what: string): void {
		this.#isSound = false;
		if (this.#problems.length < MAX_AUDIT_PROBLEMS) this.#problems.push(what);
	}

	#step<Of extends Columns>(
		table: Table<Of>,
		{ check, finish }: Checks<Row<Of>>,
		index?: string,
	): AuditStep {
		const read = { table, ...(index === undefined ? {} : { index }) };
		return {
			read: read as unknown as AuditStep["read"],
			check: (row) => check(row as unknown as Row<Of>),
			finish: finish ?? (() => NOTHING),
		};
	}
}

/** What an answer says was done. */
interface Said {
	readonly notes: readonly Note[];
	readonly amount: bigint;
}

const OTHER_REQUEST = "it is the answer to another request";

/** The last that a calendar of JavaScript has, in milliseconds since the epoch. */
const MAX_TIME = 8_640_000_000_000_000n;

interface Checks<Of> {
	readonly check: (row: Of) => Transaction<void>;
	readonly finish?: () => Transaction<void>;
}

/** More lines than a transaction may have, so that one too many is seen. */
function linesOf(at: bigint, transaction: Uint8Array) {
	return { table: ENTRIES, equals: { at, transaction }, limit: 3 } as const;
}

function demandLines(
	found: readonly RowOf<typeof ENTRIES>[],
	expected: readonly Line[],
): void {
	const fits = expected.every(([account, amount, reference]) =>
		found.some(
			(line) =>
				sameBytes(line.account, account) &&
				line.amount === amount &&
				sameBytes(line.reference, reference),
		),
	);
	demand(
		fits && found.length === expected.length,
		"its entries are not there, or say something else",
	);
}

function isAnsweredBy({ document }: Note, answer: Uint8Array): boolean {
	if (answer[0] !== WITH_ISSUER.issued.type) return false;
	const { notes } = body(WITH_ISSUER.issued, answer);
	return parseList(notes, MAX_NEW_NOTES).some((note) =>
		sameBytes(note, document),
	);
}

/** Whether an answer fits a transfer; which notes it holds is asked of each note. */
function saysBooked(answer: Uint8Array, booked: bigint): boolean {
	switch (answer[0]) {
		case WITH_ISSUER.booked.type: {
			const { credited } = body(WITH_ISSUER.booked, answer);
			return parseUint64(credited) === booked;
		}
		case WITH_ISSUER.issued.type:
			return booked > 0n;
		default:
			return booked === 0n;
	}
}

/** Whether an answer says that an earlier transfer was booked before this one. */
function saysLate(answer: Uint8Array): boolean {
	if (answer[0] !== WITH_ISSUER.declined.type)
		return conflictsIn(answer).length > 0;
	const { code } = body(WITH_ISSUER.declined, answer);
	return sameBytes(code, DOUBLE_SPENT);
}

const DOUBLE_SPENT = utf8("double-spent");

/** Ids of the earlier transfers that an answer names. */
function conflictsIn(answer: Uint8Array): Uint8Array[] {
	if (answer[0] !== WITH_ISSUER.booked.type) return [];
	const { conflicts } = body(WITH_ISSUER.booked, answer);
	demand(conflicts.length % HASH_BYTES === 0, "its conflicts are no ids");
	return Array.from({ length: conflicts.length / HASH_BYTES }, (_, i) =>
		conflicts.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
	);
}

/** Which kinds of entries have these accounts of the issuer. */
function kindsOf(names: readonly (keyof typeof SYSTEM)[]): readonly string[] {
	const kinds: Record<string, readonly EntryKind[]> = {
		issued: ["withdraw"],
		returned: ["deposit", "exchange"],
		"issued returned": ["exchange"],
		expired: ["claim"],
		backing: ["credit"],
	};
	return kinds[names.toSorted().join(" ")] ?? [];
}

function systemName(account: Uint8Array): keyof typeof SYSTEM | undefined {
	for (const name of ["issued", "returned", "expired", "backing"] as const)
		if (isSystem(account, name)) return name;
	return undefined;
}

function isSystem(account: Uint8Array, name: keyof typeof SYSTEM): boolean {
	return sameBytes(account, SYSTEM[name]);
}

function rowName(table: string, key: Uint8Array): string {
	return `${table} ${hex(key)}`;
}

function demand(holds: boolean, why: string): asserts holds {
	if (!holds) throw new TetradError("malformed", why);
}
