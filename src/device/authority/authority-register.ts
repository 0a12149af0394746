import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { TetradError } from "../../errors.ts";
import {
	TAMPER_RESISTANCE,
	type TamperResistance,
	UNTRUSTED_REASONS,
	type UntrustedEntry,
	type UntrustedReason,
} from "../../identity/index.ts";
import { isThere, reason, unusable } from "../home/index.ts";

/*
 * register.jsonl: what an authority did, a line for each act, in order. A line is on the disk
 * before what it speaks of is handed out, and no line is ever changed. A line without its end is
 * one whose act was interrupted: nothing of it was handed out, and it is cut off.
 */

/** All lines together, in bytes: some 200,000 certificates. */
const MAX_REGISTER_BYTES: number = 256 * 2 ** 20;

const hexBytes = z.string().regex(/^([0-9a-f]{2}){1,32}$/);
const instant = z.int().nonnegative();

/** A certificate that was issued. */
export interface IssuedRecord {
	readonly act: "issued";
	readonly at: number;
	readonly serial: string;
	readonly subject: "device" | "authority";
	readonly name: string;
	/** What is attested, or what the authority may attest. */
	readonly levels: TamperResistance[];
	readonly notBefore: number;
	readonly notAfter: number;
	/** SHA-256 of the request that it answers. */
	readonly request: string;
	/** The serial number of the certificate that asked for it, when it answers a renewal. */
	readonly renews?: string | undefined;
	/** In DER, base64. */
	readonly certificate: string;
}

/** A certificate that was taken back. */
export interface RevokedRecord {
	readonly act: "revoked";
	readonly at: number;
	readonly serial: string;
	readonly reason?: UntrustedReason | undefined;
}

interface ListRecord {
	readonly act: "list";
	readonly at: number;
	readonly number: string;
	readonly nextUpdate: number;
	readonly recertifyBefore?: number | undefined;
}

type RegisterRecord = IssuedRecord | RevokedRecord | ListRecord;

const line: z.ZodType<RegisterRecord> = z.discriminatedUnion("act", [
	z.strictObject({
		act: z.literal("issued"),
		at: instant,
		serial: hexBytes,
		subject: z.enum(["device", "authority"]),
		name: z.string().min(1).max(64),
		levels: z.array(z.enum(TAMPER_RESISTANCE)),
		notBefore: instant,
		notAfter: instant,
		request: hexBytes,
		renews: hexBytes.optional(),
		certificate: z.string().max(8192),
	}),
	z.strictObject({
		act: z.literal("revoked"),
		at: instant,
		serial: hexBytes,
		reason: z.enum(UNTRUSTED_REASONS).optional(),
	}),
	z.strictObject({
		act: z.literal("list"),
		at: instant,
		number: z.string().regex(/^[1-9][0-9]{0,19}$/),
		nextUpdate: instant,
		recertifyBefore: instant.optional(),
	}),
]);

/** What an authority issued, took back and published. */
export class AuthorityRegister {
	readonly #path: string;
	readonly #issued = new Map<string, IssuedRecord>();
	readonly #revoked = new Map<string, RevokedRecord>();
	/** By the hash of the request; the newest answer counts. */
	readonly #answers = new Map<string, IssuedRecord>();
	#list: ListRecord | undefined;
	#file: FileHandle | undefined;

	private constructor(path: string) {
		this.#path = path;
	}

	/** Reads what stands in a register; one that is not there is empty. Throws `home-unusable`. */
	static async read(path: string): Promise<AuthorityRegister> {
		const register = new AuthorityRegister(path);
		if (await isThere(path)) {
			await using file = await openRegister(path, constants.O_RDONLY);
			register.#take(path, await readWhole(path, file));
		}
		return register;
	}

	/** Opens a register to write on. The caller has the lock of the home. */
	static async open(path: string): Promise<AuthorityRegister> {
		const isNew = !(await isThere(path));
		const register = new AuthorityRegister(path);
		const file = await openRegister(
			path,
			constants.O_RDWR | constants.O_APPEND | constants.O_CREAT,
		);
		try {
			const whole = register.#take(path, await readWhole(path, file));
			await file.truncate(whole);
			if (isNew) {
				await file.sync();
				await using folder = await open(dirname(path), constants.O_RDONLY);
				await folder.sync();
			}
		} catch (thrown) {
			await file.close();
			throw thrown;
		}
		register.#file = file;
		return register;
	}

	async close(): Promise<void> {
		await this.#file?.close();
		this.#file = undefined;
	}

	/** Every certificate, in the order of issue. */
	issued(): IssuedRecord[] {
		return [...this.#issued.values()];
	}

	certificate(serial: string): IssuedRecord | undefined {
		return this.#issued.get(serial);
	}

	revocation(serial: string): RevokedRecord | undefined {
		return this.#revoked.get(serial);
	}

	/** The answer to a request, by its hash. */
	answer(request: string): IssuedRecord | undefined {
		return this.#answers.get(request);
	}

	/** The newest list that may have been handed out. */
	get list(): ListRecord | undefined {
		return this.#list;
	}

	/** Certificates of a name that count: neither revoked nor expired. */
	live(name: string, now: number): IssuedRecord[] {
		return this.issued().filter(
			(record) => record.name === name && this.isLive(record, now),
		);
	}

	isLive({ serial, notAfter }: IssuedRecord, now: number): boolean {
		return !this.#revoked.has(serial) && notAfter >= now;
	}

	/** What an untrusted list has to name: all that was revoked and has not expired. */
	untrusted(now: number): UntrustedEntry[] {
		return [...this.#revoked.values()]
			.filter(({ serial }) => (this.#issued.get(serial)?.notAfter ?? 0) >= now)
			.map(({ serial, at, reason }) => ({
				serial: new Uint8Array(Buffer.from(serial, "hex")),
				instant: at,
				reason,
			}));
	}

	/** Writes lines, and resolves when they are on the disk: only then may what they speak of be handed out. */
	async append(...records: readonly RegisterRecord[]): Promise<void> {
		const text = records
			.map((record) => `${JSON.stringify(record)}\n`)
			.join("");
		const file = this.#file;
		if (file === undefined)
			throw new TetradError(
				"internal",
				"the register is open for reading only",
			);
		const bytes = Buffer.from(text);
		const { size } = await file.stat();
		if (size + bytes.length > MAX_REGISTER_BYTES)
			throw new TetradError(
				"limit-exceeded",
				`the register ${this.#path} is full; set up another intermediate, and issue there`,
			);
		try {
			await file.appendFile(bytes);
			await file.sync();
		} catch (thrown) {
			// What reached the disk is unknown: it must not be the beginning of the next line.
			await file.truncate(size).catch(() => {});
			throw unusable(
				`cannot write ${this.#path} for good: ${reason(thrown)}; check the disk`,
				thrown,
			);
		}
		for (const record of records) this.#add(record);
	}

	/** Returns how many bytes are whole lines. */
	#take(path: string, content: Buffer): number {
		const whole = content.lastIndexOf("\n") + 1;
		const lines = content.toString("utf8", 0, whole).split("\n").slice(0, -1);
		for (const [i, text] of lines.entries())
			this.#add(parse(path, text, i + 1));
		return whole;
	}

	#add(record: RegisterRecord): void {
		switch (record.act) {
			case "issued":
				this.#issued.set(record.serial, record);
				this.#answers.set(record.request, record);
				break;
			case "revoked":
				this.#revoked.set(record.serial, record);
				break;
			case "list":
				this.#list = record;
				break;
		}
	}
}

async function openRegister(path: string, flags: number): Promise<FileHandle> {
	try {
		const file = await open(
			path,
			flags | constants.O_NOFOLLOW | constants.O_NONBLOCK,
			0o600,
		);
		const info = await file.stat();
		const problem = !info.isFile()
			? `${path} is not a file`
			: (info.mode & 0o077) !== 0
				? `others may read ${path}; close it with: chmod 600 ${path}`
				: undefined;
		if (problem === undefined) return file;
		await file.close();
		throw unusable(problem);
	} catch (thrown) {
		if (thrown instanceof TetradError) throw thrown;
		throw unusable(`cannot open ${path}: ${reason(thrown)}`, thrown);
	}
}

async function readWhole(path: string, file: FileHandle): Promise<Buffer> {
	const { size } = await file.stat();
	if (size > MAX_REGISTER_BYTES)
		throw unusable(
			`${path} is over ${MAX_REGISTER_BYTES} bytes, so it is something else`,
		);
	return file.readFile();
}

function parse(path: string, text: string, number: number): RegisterRecord {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		// Told below.
	}
	const result = line.safeParse(value);
	if (result.success) return result.data;
	throw unusable(
		`line ${number} of ${path} is damaged; restore the file from a backup, because what was issued must not be forgotten`,
	);
}
