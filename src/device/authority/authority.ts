import { join } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type AuthorityKind,
	type Certificate,
	type CertificationRequest,
	ChainVerdicts,
	type DeviceRole,
	encodeBundle,
	encodeChain,
	grantDevice,
	grantIntermediate,
	type IssuingAuthority,
	issueUntrustedList,
	openRenewal,
	parseCertificate,
	parseRequest,
	ROLE_OF_KIND,
	type TamperResistance,
	type TrustAnchor,
	type UntrustedReason,
} from "../../identity/index.ts";
import { openKey, type StoredKey } from "../../keys/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { type HomeSecrets, lockHome } from "../home/index.ts";
import { type AuthorityFiles, readAuthorityFiles } from "./authority-home.ts";
import { AuthorityRegister, type IssuedRecord } from "./authority-register.ts";
import {
	BACKDATE_MS,
	DEVICE_VALIDITY_DAYS,
	INTERMEDIATE_VALIDITY_DAYS,
} from "./validity.ts";

const DAY_MS = 86_400_000;

/** How long it takes until the next list is due unless the authority says otherwise, in days. */
const LIST_DAYS = 30;

export interface GrantOptions {
	/** How long the certificate is valid, in days. */
	readonly days?: number | undefined;
	/** Revoke what holds the name, and give the name to this key. */
	readonly replace?: boolean | undefined;
	/** Throws unless this is the SHA-256 of the request, in hexadecimal. */
	readonly expectedHash?: string | undefined;
}

export interface DeviceGrantOptions extends GrantOptions {
	/** What is attested; the authority has to have established it. */
	readonly level?: TamperResistance | undefined;
}

/** What an authority answers. */
export interface Answer {
	/** The certificate and those above it, without the root, in DER. */
	readonly chain: readonly Uint8Array[];
	readonly record: IssuedRecord;
	/** SHA-256 of the request, in hexadecimal. */
	readonly hash: string;
	/** What the request wished to have attested. */
	readonly wished: readonly TamperResistance[];
	/** Whether the same request was answered before, and this is that answer. */
	readonly again: boolean;
	/** Serial numbers of certificates that were revoked to make room for it. */
	readonly revoked: readonly string[];
}

/** A list as it was published. */
export interface PublishedList {
	readonly number: string;
	readonly entries: number;
	readonly thisUpdate: number;
	readonly nextUpdate: number;
	readonly recertifyBefore: number | undefined;
	/** What devices take. */
	readonly bundle: Uint8Array;
	/** The list alone, in DER. */
	readonly list: Uint8Array;
}

/** What is written beside the certificate. */
interface Plan {
	readonly subject: "device" | "authority";
	readonly levels: readonly TamperResistance[];
	readonly options: GrantOptions;
	readonly defaultDays: number;
	/** The certificate that asked, for a renewal. */
	readonly renews: string | undefined;
	readonly grant: (validity: {
		issuer: IssuingAuthority;
		notBefore: number;
		notAfter: number;
		recertifyBefore: number | undefined;
	}) => Promise<Uint8Array>;
}

/**
 * An agency or a bank at work. Each act takes the lock of its home, writes into the register what
 * it did, and only then hands anything out; an act that was interrupted is given again.
 */
export class Authority implements AsyncDisposable {
	readonly home: string;
	readonly kind: AuthorityKind;
	readonly role: DeviceRole;
	readonly name: string;
	/** What devices trust. */
	readonly anchor: TrustAnchor;
	readonly #files: AuthorityFiles;
	readonly #secrets: HomeSecrets;
	#key: StoredKey | undefined;

	/** Opens an authority; its key is opened when it has to sign. Throws as `readAuthorityFiles` does. */
	static async open(
		home: string,
		secrets: HomeSecrets = {},
	): Promise<Authority> {
		return new Authority(await readAuthorityFiles(home), secrets);
	}

	private constructor(files: AuthorityFiles, secrets: HomeSecrets) {
		this.#files = files;
		this.#secrets = secrets;
		this.home = files.home;
		this.kind = files.settings.kind;
		this.role = ROLE_OF_KIND[this.kind];
		this.name = files.settings.name;
		this.anchor = files.root;
	}

	get certificate(): Certificate {
		return this.#files.certificate;
	}

	/** What was issued, revoked and published. */
	register(): Promise<AuthorityRegister> {
		return AuthorityRegister.read(this.#registerPath);
	}

	/**
	 * Certifies a device that asks for the first time. Throws `chain-refused` for a request that is
	 * not one of this authority's kind, when the name is held, or when the request is not the one expected.
	 */
	async certify(der: Uint8Array, options: DeviceGrantOptions): Promise<Answer> {
		const request = parseRequest(nodeCrypto, der);
		request.requireFor("device", this.role);
		const { level = "software" } = options;
		return this.#answer(request, {
			...this.#devicePlan(request, level, options),
			renews: undefined,
		});
	}

	/** Certifies an intermediate; one that is there already is certified anew for the same key. */
	async certifyIntermediate(
		der: Uint8Array,
		options: GrantOptions & { readonly attests: readonly TamperResistance[] },
	): Promise<Answer> {
		const request = parseRequest(nodeCrypto, der);
		request.requireFor("authority", this.role);
		const { attests } = options;
		return this.#answer(request, {
			subject: "authority",
			levels: attests,
			options,
			defaultDays: INTERMEDIATE_VALIDITY_DAYS,
			renews: undefined,
			grant: (validity) =>
				grantIntermediate(nodeCrypto, request, { ...validity, attests }),
		});
	}

	/**
	 * Answers the renewal of a device that was certified here. Throws as `openRenewal` does,
	 * `untrusted` for a device that was revoked, also when no list says so yet, and
	 * `chain-refused` for a certificate that was renewed for another key already.
	 */
	async renew(bytes: Uint8Array, options: DeviceGrantOptions): Promise<Answer> {
		const anchors = [this.anchor];
		const verdicts = new ChainVerdicts(nodeCrypto, {
			agencies: this.kind === "agency" ? anchors : [],
			banks: this.kind === "bank" ? anchors : [],
		});
		const { request, device } = openRenewal(
			nodeCrypto,
			bytes,
			this.role,
			verdicts,
			Date.now(),
		);
		const level = options.level ?? device.tamperResistance;
		if (options.level === undefined && level !== "software")
			throw new TetradError(
				"invalid-argument",
				`the certificate of ${device.name} attests "${level}", and a renewal does not prove where the new key lives; establish it and say --level ${level}, or say --level software`,
			);
		return this.#answer(request, {
			...this.#devicePlan(request, level, options),
			renews: hex(device.path[0].serial),
		});
	}

	/** Revokes certificates, and says which and since when. Throws `invalid-argument` when there is none. */
	async revoke(
		which: { readonly name: string } | { readonly serial: string },
		reason: UntrustedReason | undefined,
	): Promise<{ serial: string; name: string; at: number; again: boolean }[]> {
		return this.#withRegister(async (register) => {
			const records = register
				.issued()
				.filter((record) =>
					"name" in which
						? record.name === which.name
						: record.serial === which.serial,
				);
			if (records.length === 0)
				throw new TetradError(
					"invalid-argument",
					`the ${this.kind} ${this.name} issued no such certificate; see what it issued with: tetrad authority list --home ${this.home}`,
				);
			const now = Date.now();
			const counting =
				"name" in which
					? records.filter(
							(record) =>
								record.notAfter >= now || register.revocation(record.serial),
						)
					: records;
			const fresh = counting.filter(
				({ serial }) => register.revocation(serial) === undefined,
			);
			if (fresh.length > 0)
				await register.append(
					...fresh.map(({ serial }) => revocation(serial, now, reason)),
				);
			return counting.map(({ serial, name }) => ({
				serial,
				name,
				at: register.revocation(serial)?.at ?? now,
				again: !fresh.some((record) => record.serial === serial),
			}));
		});
	}

	/**
	 * Signs the next untrusted list. Its number is on the disk before the list is signed, so
	 * no number is ever given twice; a number whose list was never handed out is skipped.
	 */
	async publish(options: {
		/** When the next one is due, in days. */
		readonly days?: number | undefined;
		/** Certificates from before it are no longer enough; milliseconds since the epoch. It stays in force in later lists. */
		readonly recertifyBefore?: number | undefined;
	}): Promise<PublishedList> {
		// Before the lock: whoever types a passphrase keeps nobody else waiting.
		const issuer = await this.#issuer();
		return this.#withRegister(async (register) => {
			const previous = register.list;
			const thisUpdate = wholeSecond(Date.now());
			const nextUpdate = thisUpdate + (options.days ?? LIST_DAYS) * DAY_MS;
			const recertifyBefore =
				options.recertifyBefore ?? previous?.recertifyBefore;
			requireForward(previous, thisUpdate, recertifyBefore);
			const number = String(BigInt(previous?.number ?? 0) + 1n);
			const entries = register.untrusted(thisUpdate);
			await register.append({
				act: "list",
				at: thisUpdate,
				number,
				nextUpdate,
				...(recertifyBefore === undefined ? {} : { recertifyBefore }),
			});
			const list = await issueUntrustedList(nodeCrypto, {
				issuer,
				number: BigInt(number),
				thisUpdate,
				nextUpdate,
				entries,
				recertifyBefore,
			});
			const { chain } = this.#files;
			return {
				number,
				entries: entries.length,
				thisUpdate,
				nextUpdate,
				recertifyBefore,
				list,
				bundle: encodeBundle(
					list,
					chain.length === 0 ? new Uint8Array() : encodeChain(chain),
				),
			};
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#key?.[Symbol.asyncDispose]();
		this.#key = undefined;
	}

	get #registerPath(): string {
		return join(this.home, "register.jsonl");
	}

	#devicePlan(
		request: CertificationRequest,
		level: TamperResistance,
		options: GrantOptions,
	) {
		return {
			subject: "device" as const,
			levels: [level],
			options,
			defaultDays: DEVICE_VALIDITY_DAYS,
			grant: (validity: Parameters<Plan["grant"]>[0]) =>
				grantDevice(nodeCrypto, request, {
					...validity,
					tamperResistance: level,
				}),
		};
	}

	async #answer(request: CertificationRequest, plan: Plan): Promise<Answer> {
		const hash = hex(request.hash);
		const { expectedHash = hash, replace = false, days } = plan.options;
		if (expectedHash !== hash)
			throw refused(
				`the request of "${request.name}" has the SHA-256 ${hash} and not the expected one; ask its owner which is right`,
			);
		const issuer = await this.#issuer();
		return this.#withRegister(async (register) => {
			const now = Date.now();
			const list = register.list;
			const earlier = replace ? undefined : register.answer(hash);
			if (earlier !== undefined && !this.#isStale(earlier, list, now)) {
				requireSameAnswer(register, earlier, plan.levels);
				return this.#handOut(request, earlier, true, []);
			}
			if (plan.renews !== undefined)
				requireMayRenew(register, request.name, plan.renews, replace);
			const inTheWay = holders(register, request, plan, now);
			const [first] = inTheWay;
			if (first !== undefined && !replace)
				throw nameHeld(request.name, first.serial);
			const { notBefore, notAfter } = this.certificate;
			const lasting = now + (days ?? plan.defaultDays) * DAY_MS;
			const der = await plan.grant({
				issuer,
				notBefore: Math.max(now - BACKDATE_MS, notBefore),
				// Only what the owner asked for is refused when the issuer expires earlier.
				notAfter: days === undefined ? Math.min(lasting, notAfter) : lasting,
				recertifyBefore: list?.recertifyBefore,
			});
			const certificate = parseCertificate(der);
			const record: IssuedRecord = {
				act: "issued",
				at: now,
				serial: hex(certificate.serial),
				subject: plan.subject,
				name: request.name,
				levels: [...plan.levels],
				notBefore: certificate.notBefore,
				notAfter: certificate.notAfter,
				request: hash,
				...(plan.renews === undefined ? {} : { renews: plan.renews }),
				certificate: Buffer.from(der).toString("base64"),
			};
			const replaced = inTheWay.map(({ serial }) => serial);
			await register.append(
				...replaced.map((serial) => revocation(serial, now, "superseded")),
				record,
			);
			return this.#handOut(request, record, false, replaced);
		});
	}

	#handOut(
		request: CertificationRequest,
		record: IssuedRecord,
		again: boolean,
		revoked: readonly string[],
	): Answer {
		const der = new Uint8Array(Buffer.from(record.certificate, "base64"));
		return {
			chain: [der, ...this.#files.chain],
			record,
			hash: record.request,
			wished: request.levels,
			again,
			revoked,
		};
	}

	/** Whether an intermediate has to be certified anew, for which it may send its request once more. */
	#isStale(
		{ subject, notBefore, notAfter }: IssuedRecord,
		list: AuthorityRegister["list"],
		now: number,
	): boolean {
		if (subject !== "authority") return false;
		return notAfter < now || notBefore < (list?.recertifyBefore ?? 0);
	}

	async #issuer(): Promise<IssuingAuthority> {
		const now = Date.now();
		for (const { notBefore, notAfter } of [
			this.certificate,
			this.anchor.certificate,
		])
			if (now < notBefore || now > notAfter)
				throw refused(
					`the certificate of the ${this.kind} ${this.name}, or that of its root, is not valid now; check the clock, or have it certified anew`,
				);
		this.#key ??= await openKey(this.#files.settings.key, {
			folder: this.home,
			...this.#secrets,
		});
		return { certificate: this.certificate.der, signer: this.#key };
	}

	async #withRegister<Value>(
		act: (register: AuthorityRegister) => Promise<Value>,
	): Promise<Value> {
		await using _ = await lockHome(this.home);
		const register = await AuthorityRegister.open(this.#registerPath);
		try {
			return await act(register);
		} finally {
			await register.close();
		}
	}
}

/** Throws unless a new device may have this name. It is asked again, under the lock, before anything is issued. */
export async function requireFreeName(
	authority: Authority,
	name: string,
): Promise<void> {
	const [held] = (await authority.register()).live(name, Date.now());
	if (held !== undefined && held.subject === "device")
		throw nameHeld(name, held.serial);
}

function nameHeld(name: string, serial: string): TetradError {
	return refused(
		`the name "${name}" is held by certificate ${serial}; a device that has it renews it (tetrad recertify), and one that lost its key takes it over with --replace, which revokes the other`,
	);
}

/** Who has the name that a request asks for, and is not the one who asks. */
function holders(
	register: AuthorityRegister,
	request: CertificationRequest,
	plan: Plan,
	now: number,
): IssuedRecord[] {
	const live = register
		.live(request.name, now)
		.filter(({ subject }) => subject === plan.subject);
	if (plan.subject === "authority")
		return live.filter(({ certificate }) => {
			const held = parseCertificate(
				new Uint8Array(Buffer.from(certificate, "base64")),
			);
			return !sameBytes(held.publicKey, request.publicKey);
		});
	if (plan.renews === undefined) return live;
	// What a renewal replaces is an earlier answer to the same certificate.
	return live.filter(({ renews }) => renews === plan.renews);
}

/** A stolen key must not begin a second line of certificates beside the one that its owner went on with. */
function requireMayRenew(
	register: AuthorityRegister,
	name: string,
	serial: string,
	replace: boolean,
): void {
	if (register.certificate(serial) === undefined)
		throw refused(
			`the certificate of "${name}" was not issued here; renew it where it was issued, or enroll the device anew`,
		);
	if (register.revocation(serial) !== undefined)
		throw new TetradError(
			"untrusted",
			`the certificate ${serial} of "${name}" was revoked; enroll the device anew, with a new key`,
		);
	const answered = register
		.issued()
		.find(
			(record) =>
				record.renews === serial && !register.revocation(record.serial),
		);
	if (answered !== undefined && !replace)
		throw refused(
			`the certificate ${serial} of "${name}" was renewed already, by certificate ${answered.serial} for another key; if its owner lost that key, use --replace, which revokes it`,
		);
}

function requireSameAnswer(
	register: AuthorityRegister,
	earlier: IssuedRecord,
	levels: readonly TamperResistance[],
): void {
	const { name, serial } = earlier;
	if (register.revocation(serial) !== undefined)
		throw new TetradError(
			"untrusted",
			`that request of "${name}" was answered with certificate ${serial}, which was revoked since; make a new key, and ask with that`,
		);
	if (levels.toSorted().join() !== earlier.levels.toSorted().join())
		throw refused(
			`that request of "${name}" was answered with certificate ${serial}, which attests ${earlier.levels.join(", ") || "nothing"}; use --replace, which revokes it, to attest something else`,
		);
}

function requireForward(
	previous: AuthorityRegister["list"],
	thisUpdate: number,
	recertifyBefore: number | undefined,
): void {
	if ((recertifyBefore ?? 0) > thisUpdate)
		throw new TetradError(
			"invalid-argument",
			"recertification can be asked for certificates from before the list, and not from after it",
		);
	if (previous === undefined) return;
	if (thisUpdate < previous.at)
		throw new TetradError(
			"invalid-argument",
			"the untrusted list before this one is from a later time; set the clock right",
		);
	if ((recertifyBefore ?? 0) < (previous.recertifyBefore ?? 0))
		throw new TetradError(
			"invalid-argument",
			"the untrusted list before this one asks for recertification from a later time, and that cannot be taken back",
		);
}

function revocation(
	serial: string,
	at: number,
	reason: UntrustedReason | undefined,
) {
	return {
		act: "revoked" as const,
		at,
		serial,
		...(reason === undefined ? {} : { reason }),
	};
}

function wholeSecond(milliseconds: number): number {
	return Math.floor(milliseconds / 1000) * 1000;
}

function refused(why: string): TetradError {
	return new TetradError("chain-refused", why);
}
