/*
 * A process of its own that makes the stage's tokens, and that asks tokens what they say of a key.
 * It shares no code with the key store, whose work it is there to check. It does one job and ends.
 */
import type * as pkcs11 from "pkcs11js";

export interface TokenToMake {
	readonly label: string;
	readonly pin: string;
	readonly officerPin: string;
}

export interface KeyToExamine {
	/** CKA_LABEL of the token. */
	readonly token: string;
	/** CKA_LABEL of the key. */
	readonly object: string;
	readonly pin: string;
}

export type ExaminerJob = { readonly modulePath: string } & (
	| { readonly kind: "make"; readonly tokens: readonly TokenToMake[] }
	| { readonly kind: "examine"; readonly keys: readonly KeyToExamine[] }
);

/** What a token says of one private key, and of itself. */
export interface ExaminedKey {
	readonly token: string;
	readonly serial: string;
	readonly manufacturer: string;
	readonly model: string;
	/** The attributes of the private key that are true. */
	readonly is: readonly string[];
	/** Its operations that are allowed. */
	readonly may: readonly string[];
	/** What reading CKA_VALUE came to: the name of the refusal, or `given`. */
	readonly value: string;
	/** CKA_EC_POINT of the public key with the same CKA_ID, in hexadecimal. */
	readonly publicPoint: string;
}

export type ExaminerReply =
	| { readonly kind: "made" }
	| { readonly kind: "examined"; readonly keys: readonly ExaminedKey[] }
	/** Ends a sentence that names the library. */
	| { readonly kind: "failed"; readonly why: string };

const STATES = [
	"CKA_TOKEN",
	"CKA_PRIVATE",
	"CKA_LOCAL",
	"CKA_SENSITIVE",
	"CKA_ALWAYS_SENSITIVE",
	"CKA_EXTRACTABLE",
	"CKA_NEVER_EXTRACTABLE",
] as const;

const OPERATIONS = [
	"CKA_SIGN",
	"CKA_SIGN_RECOVER",
	"CKA_DECRYPT",
	"CKA_UNWRAP",
	"CKA_DERIVE",
] as const;

class Examiner implements Disposable {
	readonly #p11: typeof pkcs11;
	readonly #library: pkcs11.PKCS11;

	constructor(p11: typeof pkcs11, modulePath: string) {
		this.#p11 = p11;
		this.#library = new p11.PKCS11();
		this.#library.load(modulePath);
		this.#library.C_Initialize();
	}

	[Symbol.dispose](): void {
		this.#library.C_Finalize();
	}

	make({ label, pin, officerPin }: TokenToMake): void {
		const p11 = this.#p11;
		const free = this.#library
			.C_GetSlotList(true)
			.find(
				(slot) =>
					(this.#library.C_GetTokenInfo(slot).flags &
						p11.CKF_TOKEN_INITIALIZED) ===
					0,
			);
		if (free === undefined) throw new Error("no slot is free for a new token");
		this.#library.C_InitToken(free, officerPin, label.padEnd(32));
		const session = this.#session(free, p11.CKU_SO, officerPin);
		this.#library.C_InitPIN(session, pin);
		this.#library.C_Logout(session);
		this.#library.C_CloseSession(session);
	}

	examine({ token, object, pin }: KeyToExamine): ExaminedKey {
		const p11 = this.#p11;
		const [slot, ...others] = this.#library
			.C_GetSlotList(true)
			.filter(
				(slot) => trimmed(this.#library.C_GetTokenInfo(slot).label) === token,
			);
		if (slot === undefined || others.length > 0)
			throw new Error(`there is not exactly one token called ${token}`);
		const info = this.#library.C_GetTokenInfo(slot);
		const session = this.#session(slot, p11.CKU_USER, pin);
		const [key, ...more] = this.#find(session, p11.CKO_PRIVATE_KEY, {
			type: p11.CKA_LABEL,
			value: Buffer.from(object),
		});
		if (key === undefined || more.length > 0)
			throw new Error(`${token} holds not exactly one key called ${object}`);
		const id = this.#read(session, key, p11.CKA_ID) ?? Buffer.alloc(0);
		const [half] = this.#find(session, p11.CKO_PUBLIC_KEY, {
			type: p11.CKA_ID,
			value: id,
		});
		const point = half && this.#read(session, half, p11.CKA_EC_POINT);
		const isTrue = (name: (typeof STATES | typeof OPERATIONS)[number]) =>
			this.#read(session, key, p11[name])?.[0] === 1;
		const examined: ExaminedKey = {
			token,
			serial: trimmed(info.serialNumber),
			manufacturer: trimmed(info.manufacturerID),
			model: trimmed(info.model),
			is: STATES.filter(isTrue),
			may: OPERATIONS.filter(isTrue),
			value: this.#tryValue(session, key),
			publicPoint: point?.toString("hex") ?? "",
		};
		this.#library.C_Logout(session);
		this.#library.C_CloseSession(session);
		return examined;
	}

	#session(slot: pkcs11.Handle, user: number, pin: string): pkcs11.Handle {
		const { CKF_SERIAL_SESSION, CKF_RW_SESSION, CKU_SO } = this.#p11;
		const session = this.#library.C_OpenSession(
			slot,
			user === CKU_SO
				? CKF_SERIAL_SESSION | CKF_RW_SESSION
				: CKF_SERIAL_SESSION,
		);
		this.#library.C_Login(session, user, pin);
		return session;
	}

	/** At most two: a third would tell nothing more. */
	#find(
		session: pkcs11.Handle,
		objectClass: number,
		attribute: pkcs11.Attribute,
	): pkcs11.Handle[] {
		this.#library.C_FindObjectsInit(session, [
			{ type: this.#p11.CKA_CLASS, value: objectClass },
			attribute,
		]);
		const found = this.#library.C_FindObjects(session, 2);
		this.#library.C_FindObjectsFinal(session);
		return found;
	}

	/** `undefined` for an attribute that the token does not have. */
	#read(
		session: pkcs11.Handle,
		handle: pkcs11.Handle,
		type: number,
	): Buffer | undefined {
		try {
			const [found] = this.#library.C_GetAttributeValue(session, handle, [
				{ type },
			]);
			return found && Buffer.from(found.value as Buffer);
		} catch (thrown) {
			if (nameOf(thrown) === "CKR_ATTRIBUTE_TYPE_INVALID") return undefined;
			throw thrown;
		}
	}

	#tryValue(session: pkcs11.Handle, key: pkcs11.Handle): string {
		try {
			this.#library.C_GetAttributeValue(session, key, [
				{ type: this.#p11.CKA_VALUE },
			]);
			return "given";
		} catch (thrown) {
			return nameOf(thrown);
		}
	}
}

/** Tokens pad with spaces, and some with zeros. */
function trimmed(padded: string): string {
	return padded.replace(/[ \0]+$/, "");
}

/** The name of a PKCS#11 error, which holds nothing secret. */
function nameOf(thrown: unknown): string {
	return /CKR_\w+/.exec(String(thrown))?.[0] ?? "no PKCS#11 error";
}

function whyOf(thrown: unknown): string {
	const name = nameOf(thrown);
	if (name.startsWith("CKR_")) return name;
	return thrown instanceof Error ? thrown.message : "unknown";
}

async function answer(job: ExaminerJob): Promise<ExaminerReply> {
	let p11: typeof pkcs11;
	try {
		p11 = (await import("pkcs11js")).default;
	} catch {
		return {
			kind: "failed",
			why: "keys in tokens need the package pkcs11js, which does not come with tetrad; run npm install pkcs11js where a C++ compiler, make and Python are installed",
		};
	}
	try {
		using examiner = new Examiner(p11, job.modulePath);
		if (job.kind === "examine")
			return {
				kind: "examined",
				keys: job.keys.map((key) => examiner.examine(key)),
			};
		for (const token of job.tokens) examiner.make(token);
		return { kind: "made" };
	} catch (thrown) {
		return { kind: "failed", why: whyOf(thrown) };
	}
}

process.once("message", (job: ExaminerJob) => {
	answer(job).then((reply) => {
		process.send?.(reply, () => process.disconnect?.());
	});
});
