/*
 * The process in which one PKCS#11 library runs. It is a process of its own because such a
 * library is foreign native code that may crash, hang for as long as its token does, and lose
 * its token for good until it is loaded anew; and because it has no business in the memory
 * that holds the keys of sessions. Calls follow one another: a PKCS#11 session can do one
 * thing at a time. It ends as soon as nobody listens any more.
 */
import type * as pkcs11 from "pkcs11js";
import type { SignatureAlgorithm } from "../crypto/index.ts";
import { parseUtf8, sameBytes } from "../wire/index.ts";
import { MAX_LISTED_KEYS } from "./limits.ts";
import type { TokenSelector } from "./pkcs11-uri.ts";
import type {
	KeySelector,
	TokenJob,
	TokenKey,
	TokenReply,
	TokenRequest,
} from "./token-messages.ts";

// Names and numbers of PKCS #11 version 3.0 that pkcs11js leaves out.
const CKK_EC_EDWARDS = 0x40;
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055;
const CKM_EDDSA = 0x1057;
const CKS_RO_USER_FUNCTIONS = 1;
const CKS_RW_USER_FUNCTIONS = 3;

/** RFC 5480 and RFC 8410 name the curves by these; PKCS #11 3.0 also knows Edwards curves by a printable string. */
const P256_PARAMETERS = Buffer.from("06082a8648ce3d030107", "hex");
const ED25519_PARAMETERS: readonly Buffer[] = [
	Buffer.from("06032b6570", "hex"),
	Buffer.from("130c656477617264733235353139", "hex"),
];

/** Slots that are looked at. */
const MAX_SLOTS = 256;

/** Ends the work on a request with this reply. */
class Answer extends Error {
	readonly reply: TokenReply;
	constructor(reply: TokenReply) {
		super(reply.kind);
		this.reply = reply;
	}
}

function refuse(why: string): never {
	throw new Answer({ kind: "refused", why });
}

/** A token with an open session, and the keys that were found and checked in it. */
interface OpenToken {
	readonly slot: pkcs11.Handle;
	readonly session: pkcs11.Handle;
	readonly keys: Map<string, FoundKey>;
}

interface FoundKey extends TokenKey {
	readonly handle: pkcs11.Handle;
	readonly publicHandle: pkcs11.Handle;
}

class Library {
	readonly #p11: typeof pkcs11;
	readonly #library: pkcs11.PKCS11;
	readonly #tokens = new Map<string, OpenToken>();
	#begun = false;

	constructor(p11: typeof pkcs11, modulePath: string) {
		this.#p11 = p11;
		this.#library = new p11.PKCS11();
		try {
			this.#library.load(modulePath);
		} catch {
			refuse(
				`${modulePath} cannot be loaded as a PKCS#11 library; check module-path, and that the package of the library is installed`,
			);
		}
		this.#initialize();
	}

	#initialize(): void {
		this.#library.C_Initialize({ flags: this.#p11.CKF_OS_LOCKING_OK });
	}

	close(): void {
		this.#library.C_Finalize();
	}

	answer({ token, job, anew, pin }: TokenRequest): TokenReply {
		this.#begun = false;
		try {
			if (anew && this.#tokens.size > 0) {
				this.#tokens.clear();
				this.close();
				this.#initialize();
			}
			return this.#do(job, this.#token(token, pin));
		} catch (thrown) {
			if (thrown instanceof Answer) return thrown.reply;
			return { kind: "failed", why: whyOf(thrown), begun: this.#begun };
		}
	}

	#do(job: TokenJob, token: OpenToken): TokenReply {
		switch (job.kind) {
			case "list":
				return { kind: "keys", names: this.#list(token) };
			case "find": {
				const { algorithm, publicKey, object } = this.#key(token, job.key);
				return { kind: "key", key: { algorithm, publicKey, object } };
			}
			case "generate":
				return { kind: "key", key: this.#generate(token, job) };
			case "sign":
				return { kind: "signature", signature: this.#sign(token, job) };
			case "remove":
				this.#remove(token, job.key);
				return { kind: "removed" };
		}
	}

	/** The one token that fits, with the user logged in. */
	#token(selector: TokenSelector, pin: Uint8Array | undefined): OpenToken {
		const name = JSON.stringify(selector);
		const open = this.#tokens.get(name);
		if (open !== undefined) return open;
		const { slot, info } = this.#slot(selector);
		const session = this.#library.C_OpenSession(
			slot,
			this.#p11.CKF_SERIAL_SESSION,
		);
		try {
			this.#login(session, slot, info, pin);
		} catch (thrown) {
			this.#library.C_CloseSession(session);
			throw thrown;
		}
		const token: OpenToken = { slot, session, keys: new Map() };
		this.#tokens.set(name, token);
		return token;
	}

	#slot(selector: TokenSelector): {
		slot: pkcs11.Handle;
		info: pkcs11.TokenInfo;
	} {
		const { CKF_TOKEN_INITIALIZED } = this.#p11;
		const fitting = this.#library
			.C_GetSlotList(true)
			.slice(0, MAX_SLOTS)
			.map((slot) => ({ slot, info: this.#library.C_GetTokenInfo(slot) }))
			.filter(
				({ info }) =>
					info.flags & CKF_TOKEN_INITIALIZED && fits(info, selector),
			);
		const [found] = fitting;
		// It may have been plugged in after the library looked for tokens.
		if (found === undefined)
			throw new Answer({
				kind: "failed",
				why: "no such token is present",
				begun: false,
			});
		if (fitting.length > 1)
			refuse(
				`${fitting.length} tokens fit the PKCS#11 URI; add serial= to say which`,
			);
		return found;
	}

	#login(
		session: pkcs11.Handle,
		slot: pkcs11.Handle,
		{ flags, label, serialNumber }: pkcs11.TokenInfo,
		pin: Uint8Array | undefined,
	): void {
		const p11 = this.#p11;
		if ((flags & p11.CKF_LOGIN_REQUIRED) === 0) return;
		const { state } = this.#library.C_GetSessionInfo(session);
		if (state === CKS_RO_USER_FUNCTIONS || state === CKS_RW_USER_FUNCTIONS)
			return;
		if ((flags & p11.CKF_USER_PIN_INITIALIZED) === 0)
			refuse(
				"the token has no user PIN yet; set one with the token's own tool",
			);
		if ((flags & p11.CKF_PROTECTED_AUTHENTICATION_PATH) !== 0)
			refuse(
				"the token takes its PIN at a reader of its own, which Tetrad does not use; choose another token",
			);
		if (pin === undefined)
			throw new Answer({
				kind: "pin-needed",
				identity: `${trimmed(label)} ${trimmed(serialNumber)}`,
			});
		// The flags of this very moment: another program may have used up tries since.
		const now = this.#library.C_GetTokenInfo(slot).flags;
		if ((now & p11.CKF_USER_PIN_LOCKED) !== 0) throw locked();
		if ((now & p11.CKF_USER_PIN_FINAL_TRY) !== 0)
			refuse(
				"one wrong PIN more would lock the token, so none is tried; log in once with the token's own tool, which resets the count",
			);
		try {
			this.#library.C_Login(session, p11.CKU_USER, parseUtf8(pin));
		} catch (thrown) {
			const code = codeOf(thrown);
			if (code === p11.CKR_USER_ALREADY_LOGGED_IN) return;
			if (code === p11.CKR_PIN_LOCKED) throw locked();
			if (code === p11.CKR_PIN_EXPIRED)
				refuse(
					"the PIN of the token has expired; set a new one with the token's own tool",
				);
			if (
				code === p11.CKR_PIN_INCORRECT ||
				code === p11.CKR_PIN_INVALID ||
				code === p11.CKR_PIN_LEN_RANGE
			)
				throw new Answer({ kind: "pin-wrong" });
			throw thrown;
		}
	}

	/** Objects of one class, up to `max` and one more, so that too many are noticed. */
	#objects(
		session: pkcs11.Handle,
		objectClass: number,
		{ object, id }: KeySelector,
		max: number,
	): pkcs11.Handle[] {
		const p11 = this.#p11;
		this.#library.C_FindObjectsInit(session, [
			{ type: p11.CKA_CLASS, value: objectClass },
			...(object === undefined
				? []
				: [{ type: p11.CKA_LABEL, value: Buffer.from(object) }]),
			...(id === undefined
				? []
				: [{ type: p11.CKA_ID, value: Buffer.from(id, "hex") }]),
		]);
		try {
			const found: pkcs11.Handle[] = [];
			while (found.length <= max) {
				const some = this.#library.C_FindObjects(session, 64);
				if (some.length === 0) break;
				found.push(...some);
			}
			return found;
		} finally {
			this.#library.C_FindObjectsFinal(session);
		}
	}

	#list({ session }: OpenToken): string[] {
		const { CKO_PRIVATE_KEY, CKA_LABEL } = this.#p11;
		return this.#objects(session, CKO_PRIVATE_KEY, {}, MAX_LISTED_KEYS)
			.slice(0, MAX_LISTED_KEYS)
			.map((handle) => this.#attribute(session, handle, CKA_LABEL) ?? NOTHING)
			.map((label) => label.toString("utf8"));
	}

	/** The one key that fits, once it is known to be fit for use. */
	#key(token: OpenToken, selector: KeySelector): FoundKey {
		const name = JSON.stringify(selector);
		const known = token.keys.get(name);
		if (known !== undefined) return known;
		const { session } = token;
		const { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKA_ID, CKA_LABEL } = this.#p11;
		const fitting = this.#objects(session, CKO_PRIVATE_KEY, selector, 1);
		const [handle] = fitting;
		if (handle === undefined) throw new Answer({ kind: "unknown" });
		if (fitting.length > 1) throw new Answer({ kind: "ambiguous" });
		this.#requireFit(session, handle);
		const object = this.#attribute(session, handle, CKA_LABEL) ?? NOTHING;
		const id = this.#attribute(session, handle, CKA_ID) ?? NOTHING;
		if (id.length === 0)
			refuse("the key has no CKA_ID, so its public half cannot be found");
		const publics = this.#objects(
			session,
			CKO_PUBLIC_KEY,
			{ id: id.toString("hex") },
			1,
		);
		const [publicHandle] = publics;
		if (publicHandle === undefined || publics.length > 1)
			refuse(
				"the token does not hold exactly one public key of the same CKA_ID beside the key; make a new key",
			);
		const found: FoundKey = {
			handle,
			publicHandle,
			object: object.toString("utf8"),
			...this.#publicKey(session, publicHandle),
		};
		token.keys.set(name, found);
		return found;
	}

	/** A key that could leave the token, or that ever could, or that does more than sign, is none for a device. */
	#requireFit(session: pkcs11.Handle, handle: pkcs11.Handle): void {
		const p11 = this.#p11;
		const is = (type: number, wanted: boolean, unlessAbsent = false) => {
			const value = this.#attribute(session, handle, type);
			if (value === undefined) return unlessAbsent;
			return value.length === 1 && (value[0] !== 0) === wanted;
		};
		if (
			!is(p11.CKA_TOKEN, true) ||
			!is(p11.CKA_PRIVATE, true) ||
			!is(p11.CKA_SENSITIVE, true) ||
			!is(p11.CKA_EXTRACTABLE, false) ||
			!is(p11.CKA_ALWAYS_SENSITIVE, true) ||
			!is(p11.CKA_NEVER_EXTRACTABLE, true) ||
			!is(p11.CKA_LOCAL, true)
		)
			refuse(
				"the key was not made in the token or could be read out of it; make a new key in the token",
			);
		if (
			!is(p11.CKA_SIGN, true) ||
			!is(p11.CKA_SIGN_RECOVER, false, true) ||
			!is(p11.CKA_DECRYPT, false, true) ||
			!is(p11.CKA_UNWRAP, false, true) ||
			!is(p11.CKA_DERIVE, false, true)
		)
			refuse("the key is for more than signing; make a new key in the token");
		if (!is(p11.CKA_ALWAYS_AUTHENTICATE, false, true))
			refuse(
				"the key wants its PIN for each signature, which Tetrad does not do; make a new key in the token",
			);
	}

	#publicKey(
		session: pkcs11.Handle,
		handle: pkcs11.Handle,
	): Pick<TokenKey, "algorithm" | "publicKey"> {
		const { CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_EC_POINT, CKK_EC } = this.#p11;
		const read = (type: number) =>
			this.#attribute(session, handle, type) ?? NOTHING;
		const type = read(CKA_KEY_TYPE);
		const parameters = read(CKA_EC_PARAMS);
		const keyType = type.length >= 4 ? type.readUInt32LE() : -1;
		const algorithm =
			keyType === CKK_EC && parameters.equals(P256_PARAMETERS)
				? "P-256"
				: keyType === CKK_EC_EDWARDS &&
						ED25519_PARAMETERS.some((known) => known.equals(parameters))
					? "Ed25519"
					: refuse("the key is for another algorithm than P-256 and Ed25519");
		const publicKey = pointOf(algorithm, read(CKA_EC_POINT));
		if (publicKey === undefined)
			refuse("the token shows a public key of an odd length; make a new key");
		return { algorithm, publicKey };
	}

	/** A copy; `undefined` for an attribute that the token does not have. */
	#attribute(
		session: pkcs11.Handle,
		handle: pkcs11.Handle,
		type: number,
	): Buffer | undefined {
		try {
			const [found] = this.#library.C_GetAttributeValue(session, handle, [
				{ type },
			]);
			return found && Buffer.from(found.value);
		} catch (thrown) {
			if (codeOf(thrown) === this.#p11.CKR_ATTRIBUTE_TYPE_INVALID)
				return undefined;
			throw thrown;
		}
	}

	#generate(
		token: OpenToken,
		{ object, id, algorithm }: TokenJob & { kind: "generate" },
	): TokenKey {
		const p11 = this.#p11;
		const isEdwards = algorithm === "Ed25519";
		const mechanism = isEdwards
			? CKM_EC_EDWARDS_KEY_PAIR_GEN
			: p11.CKM_EC_KEY_PAIR_GEN;
		const parameters = isEdwards ? ED25519_PARAMETERS[0] : P256_PARAMETERS;
		if (!this.#library.C_GetMechanismList(token.slot).includes(mechanism))
			refuse(`the token makes no ${algorithm} keys; choose another algorithm`);
		const byName = { object };
		const count = () =>
			this.#objects(token.session, p11.CKO_PRIVATE_KEY, byName, 1).length;
		if (count() > 0) throw new Answer({ kind: "taken" });
		return this.#writing(token, (session) => {
			const { privateKey, publicKey } = this.#library.C_GenerateKeyPair(
				session,
				{ mechanism },
				// A TPM's library refuses usages of a public key that it did not think of itself.
				template([
					[p11.CKA_TOKEN, true],
					[p11.CKA_PRIVATE, false],
					[p11.CKA_EC_PARAMS, parameters as Buffer],
					[p11.CKA_LABEL, Buffer.from(object)],
					[p11.CKA_ID, Buffer.from(id)],
				]),
				template([
					[p11.CKA_TOKEN, true],
					[p11.CKA_PRIVATE, true],
					[p11.CKA_SENSITIVE, true],
					[p11.CKA_EXTRACTABLE, false],
					[p11.CKA_SIGN, true],
					[p11.CKA_SIGN_RECOVER, false],
					[p11.CKA_DECRYPT, false],
					[p11.CKA_UNWRAP, false],
					[p11.CKA_DERIVE, false],
					[p11.CKA_LABEL, Buffer.from(object)],
					[p11.CKA_ID, Buffer.from(id)],
				]),
			);
			try {
				// Another process may have made a key of this name since; then neither is kept.
				if (count() !== 1) throw new Answer({ kind: "taken" });
				const made = this.#key(token, byName);
				if (made.algorithm !== algorithm)
					refuse("the token made a key of another algorithm");
				return {
					algorithm,
					publicKey: made.publicKey,
					object,
				};
			} catch (thrown) {
				token.keys.clear();
				this.#library.C_DestroyObject(session, privateKey);
				this.#library.C_DestroyObject(session, publicKey);
				throw thrown;
			}
		});
	}

	#sign(
		token: OpenToken,
		{ key, publicKey, input }: TokenJob & { kind: "sign" },
	): Uint8Array {
		const found = this.#key(token, key);
		if (!sameBytes(found.publicKey, publicKey))
			refuse(
				"the token holds another key under this name than before; put the right token back, or have the new key certified",
			);
		const mechanism =
			found.algorithm === "Ed25519" ? CKM_EDDSA : this.#p11.CKM_ECDSA;
		this.#library.C_SignInit(token.session, { mechanism }, found.handle);
		return this.#library.C_Sign(
			token.session,
			Buffer.from(input),
			Buffer.alloc(256),
		);
	}

	#remove(token: OpenToken, selector: KeySelector): void {
		const { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKA_ID } = this.#p11;
		const fitting = this.#objects(token.session, CKO_PRIVATE_KEY, selector, 1);
		const [handle] = fitting;
		if (handle === undefined) throw new Answer({ kind: "unknown" });
		if (fitting.length > 1) throw new Answer({ kind: "ambiguous" });
		const id = this.#attribute(token.session, handle, CKA_ID);
		this.#writing(token, (session) => {
			token.keys.clear();
			this.#library.C_DestroyObject(session, handle);
			if (id === undefined || id.length === 0) return;
			for (const half of this.#objects(
				session,
				CKO_PUBLIC_KEY,
				{ ...selector, id: id.toString("hex") },
				1,
			))
				this.#library.C_DestroyObject(session, half);
		});
	}

	/** Only what changes the token gets a session that may. */
	#writing<T>({ slot }: OpenToken, change: (session: pkcs11.Handle) => T): T {
		const { CKF_SERIAL_SESSION, CKF_RW_SESSION } = this.#p11;
		const session = this.#library.C_OpenSession(
			slot,
			CKF_SERIAL_SESSION | CKF_RW_SESSION,
		);
		this.#begun = true;
		try {
			return change(session);
		} finally {
			this.#library.C_CloseSession(session);
		}
	}
}

const NOTHING: Buffer = Buffer.alloc(0);

function locked(): Answer {
	return new Answer({
		kind: "refused",
		why: "the PIN of the token is locked; unlock it with the token's own tool",
	});
}

function template(
	attributes: readonly (readonly [number, boolean | Buffer])[],
): pkcs11.Template {
	return attributes.map(([type, value]) => ({ type, value }));
}

/** RFC 7512, 2.4: each attribute that is given has to be the same, without the padding. */
function fits(info: pkcs11.TokenInfo, selector: TokenSelector): boolean {
	const { token, serial, manufacturer, model } = selector;
	const same = (wanted: string | undefined, is: string) =>
		wanted === undefined || trimmed(wanted) === trimmed(is);
	return (
		same(token, info.label) &&
		same(serial, info.serialNumber) &&
		same(manufacturer, info.manufacturerID) &&
		same(model, info.model)
	);
}

/** Tokens pad with spaces, and some with zeros. */
function trimmed(padded: string): string {
	return padded.replace(/[ \0]+$/, "");
}

/** CKA_EC_POINT is an OCTET STRING in DER that holds the point; some tokens show the bare point. */
function pointOf(
	algorithm: SignatureAlgorithm,
	value: Buffer,
): Uint8Array | undefined {
	const length = algorithm === "P-256" ? 65 : 32;
	if (value.length === length) return Uint8Array.from(value);
	if (value.length !== length + 2 || value[0] !== 0x04 || value[1] !== length)
		return undefined;
	return Uint8Array.from(value.subarray(2));
}

function codeOf(thrown: unknown): number | undefined {
	return thrown instanceof Error && "code" in thrown
		? Number(thrown.code)
		: undefined;
}

/** The name of the error and of the function, which hold nothing secret: `CKR_DEVICE_REMOVED in C_Sign`. */
function whyOf(thrown: unknown): string {
	const [name] = /CKR_\w+/.exec(String(thrown)) ?? [];
	const method =
		thrown instanceof Error && "method" in thrown ? thrown.method : undefined;
	if (name === undefined) return "the library failed";
	return method ? `${name} in ${method}` : name;
}

async function load(modulePath: string): Promise<Library> {
	let p11: typeof pkcs11;
	try {
		p11 = (await import("pkcs11js")).default;
	} catch {
		return refuse(
			"keys in tokens need the package pkcs11js, which does not come with tetrad; run npm install pkcs11js where a C++ compiler, make and Python are installed",
		);
	}
	return new Library(p11, modulePath);
}

let library: Library | undefined;

async function answer(request: TokenRequest): Promise<TokenReply> {
	try {
		library ??= await load(request.modulePath);
		return library.answer(request);
	} catch (thrown) {
		if (thrown instanceof Answer) return thrown.reply;
		return { kind: "failed", why: whyOf(thrown), begun: false };
	} finally {
		request.pin?.fill(0);
	}
}

/** Whoever started this process ends it; the terminal's Ctrl-C goes to both and must not take the key away first. */
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
	process.on(signal, () => {});
process.on("message", (request: TokenRequest) => {
	answer(request).then((reply) => process.send?.(reply));
});
process.on("disconnect", () => {
	try {
		library?.close();
	} finally {
		process.exit();
	}
});
