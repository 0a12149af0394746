import { join } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type AuthorityKind,
	type Certificate,
	type CertificationRequest,
	ChainVerdicts,
	type DeviceRole,
	grantDevice,
	grantIntermediate,
	type IssuingAuthority,
	openRenewal,
	parseCertificate,
	parseRequest,
	ROLE_OF_KIND,
	type TamperResistance,
	type TrustAnchor,
	type UntrustedReason,
} from "../../identity/index.ts";
import { openKey, type StoredKey } from "../../keys/index.ts";
import { hex } from "../../wire/index.ts";
import { type HomeSecrets, lockHome } from "../home/index.ts";
import { type AuthorityFiles, readAuthorityFiles } from "./authority-home.ts";
import { AuthorityRegister, type IssuedRecord } from "./authority-register.ts";
import {
	type Answer,
	type DeviceGrantOptions,
	type GrantOptions,
	holders,
	nameHeld,
	type Plan,
	refused,
	requireMayRenew,
	requireSameAnswer,
} from "./grants.ts";
import {
	type ListOptions,
	type PublishedList,
	publishList,
} from "./publication.ts";
import {
	type Revocable,
	type Revoked,
	revocation,
	revoke,
} from "./revocation.ts";
import {
	BACKDATE_MS,
	DEVICE_VALIDITY_DAYS,
	INTERMEDIATE_VALIDITY_DAYS,
} from "./validity.ts";

const DAY_MS = 86_400_000;

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
		which: Revocable,
		reason: UntrustedReason | undefined,
	): Promise<readonly Revoked[]> {
		return this.#withRegister(async (register) => {
			const revoked = await revoke(register, which, reason, Date.now());
			if (revoked === undefined)
				throw new TetradError(
					"invalid-argument",
					`the ${this.kind} ${this.name} issued no such certificate; see what it issued with: tetrad authority list --home ${this.home}`,
				);
			return revoked;
		});
	}

	/** Signs the next untrusted list. Throws as `publishList`. */
	async publish(options: ListOptions): Promise<PublishedList> {
		// Before the lock: whoever types a passphrase keeps nobody else waiting.
		const issuer = await this.#issuer();
		return this.#withRegister((register) =>
			publishList(register, issuer, this.#files.chain, options),
		);
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
