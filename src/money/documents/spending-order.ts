/*
 * What the owner of a purse lets it pay, and what the owner says to a single payment that waits
 * for it. Both are signed by the owner's key, as every order is, and no message carries them.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { authenticationFailed } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import {
	bool,
	bytes,
	type Draft,
	type Field,
	type Fields,
	hex,
	list,
	malformed,
	mapped,
	mappedStructure,
	optional,
	type Signed,
	SignedDocument,
	type Structure,
	sameBytes,
	structure,
	time,
	twoForms,
	u64,
	type Verified,
} from "../../wire/index.ts";
import { amount } from "./amount.ts";
import {
	CONTRACT_BYTES,
	DEVICE_ID,
	MAX_AMOUNT,
	MAX_LIMITED_ISSUERS,
	MAX_NAMED_MERCHANTS,
	REQUEST_ID_BYTES,
} from "./limits.ts";
import type { OwnedPurse } from "./order.ts";

/** How much of one issuer's money a purse may pay, in minor units. What is not there is not limited; zero is nothing at all. */
export interface MoneyLimits {
	/** Device id of the issuer. */
	readonly issuer: Uint8Array;
	readonly perPayment: bigint | undefined;
	/** Within any 24 hours. */
	readonly perDay: bigint | undefined;
	/** Within any 24 hours, to the module of one merchant. */
	readonly perMerchantDay: bigint | undefined;
	/** In all, from when it was first set until it is raised. */
	readonly inAll: bigint | undefined;
	/** A payment of more than this waits for the owner. */
	readonly approvalAbove: bigint | undefined;
	/** What a mint may ask for one payment beside its amount. Where it is not there, `FEE_PART` and `FEE_ALWAYS` of a purse say. */
	readonly fee?: bigint | undefined;
}

/** All that an owner lets a purse pay. */
export interface SpendingRules {
	/** Of issuers that are not among them, any amount. */
	readonly money: readonly MoneyLimits[];
	/** Device ids of the modules that may be paid, and no others; any module when it is not there. */
	readonly merchants: readonly Uint8Array[] | undefined;
	/** The first payment to a module waits for the owner. */
	readonly approveNewMerchants: boolean;
}

/** What the owner of a purse orders under the owner's own key: from now on these limits, all of them, in the place of those before. */
export interface LimitsBody extends SpendingRules {
	/** Device id of the module that shall keep to them. */
	readonly purse: Uint8Array;
	/** Random, 16 bytes. */
	readonly request: Uint8Array;
	/** One more than that of the limits before; an older one is never done again. */
	readonly number: bigint;
	/** Milliseconds since the epoch. */
	readonly ordered: number;
}

/** Limits that the owner signed. Only `openLimits` makes one. */
export type LimitsOrder = Verified<Signed<LimitsBody>>;

/** What the owner says to one payment that waits: to this one, to that payee, of that amount, and no other. */
export interface ApprovalBody {
	/** Device id of the module that shall do it. */
	readonly purse: Uint8Array;
	/** Random, 16 bytes. */
	readonly request: Uint8Array;
	readonly contract: Uint8Array;
	/** Device id of the module that is to be paid. */
	readonly payee: Uint8Array;
	/** Device id. */
	readonly issuer: Uint8Array;
	/** In minor units. */
	readonly amount: bigint;
	/** Whether it may be paid; if not, it is denied. */
	readonly isApproved: boolean;
	/** Milliseconds since the epoch. */
	readonly ordered: number;
}

/** An approval or a denial that the owner signed. Only `openApproval` makes one. */
export type ApprovalOrder = Verified<Signed<ApprovalBody>>;

const LIMIT_THERE: Field<bigint> = mapped(u64, {
	from: requireLimit,
	to: (limit: bigint) => limit,
});

const LIMIT: Field<bigint | undefined> = optional(LIMIT_THERE);

const MONEY_FIELDS: Fields<Omit<MoneyLimits, "fee">> = {
	issuer: DEVICE_ID,
	perPayment: LIMIT,
	perDay: LIMIT,
	perMerchantDay: LIMIT,
	inAll: LIMIT,
	approvalAbove: LIMIT,
};

/** Without what mints may ask for, it is written as it was before there was that. */
const MONEY: Structure<MoneyLimits> = twoForms<MoneyLimits>(
	mappedStructure(structure("limits of one money", MONEY_FIELDS), {
		from: (money): MoneyLimits => money,
		to: ({ fee: _, ...money }) => money,
	}),
	mappedStructure(
		structure<Omit<MoneyLimits, "fee"> & { readonly fee: bigint }>(
			"limits of one money",
			{ ...MONEY_FIELDS, fee: LIMIT_THERE },
		),
		{
			from: (money): MoneyLimits => money,
			to: ({ fee, ...money }) => {
				if (fee === undefined) throw malformed("it says nothing of fees");
				return { ...money, fee };
			},
		},
	),
	({ fee }) => fee !== undefined,
);

/** As it is signed: who is named is nobody when anybody may be paid. */
interface SignedLimits extends Omit<LimitsBody, "merchants"> {
	readonly isAnyMerchant: boolean;
	readonly merchants: readonly Uint8Array[];
	/** Kept for an order that splits a budget. An older program must not take what it does not know for no limit. */
	readonly parts: Uint8Array;
}

const LIMITS_BODY: Structure<LimitsBody> = mappedStructure<
	SignedLimits,
	LimitsBody
>(
	structure<SignedLimits>("limits", {
		purse: DEVICE_ID,
		request: bytes(REQUEST_ID_BYTES),
		number: u64,
		money: list(
			mapped(bytes(1, MONEY.maxBytes), {
				from: MONEY.decode,
				to: MONEY.encode,
			}),
			0,
			MAX_LIMITED_ISSUERS,
		),
		isAnyMerchant: bool,
		merchants: list(DEVICE_ID, 0, MAX_NAMED_MERCHANTS),
		approveNewMerchants: bool,
		parts: bytes(0),
		ordered: time,
	}),
	{
		from({ isAnyMerchant, merchants, parts: _, ...body }) {
			if (isAnyMerchant && merchants.length > 0)
				throw malformed("limits name merchants, and let any be paid");
			if (body.number > MAX_AMOUNT)
				throw malformed("limits have a number that is too high");
			const { money } = body;
			if (hasTwice(money.map(({ issuer }) => issuer)) || hasTwice(merchants))
				throw malformed("limits name an issuer or a merchant twice");
			return { ...body, merchants: isAnyMerchant ? undefined : merchants };
		},
		to: ({ merchants, ...body }) => ({
			...body,
			isAnyMerchant: merchants === undefined,
			merchants: merchants ?? [],
			parts: new Uint8Array(),
		}),
	},
);

const LIMITS: SignedDocument<
	LimitsBody,
	Signed<LimitsBody>,
	OwnedPurse
> = new SignedDocument({
	name: "limits",
	role: "LI",
	body: LIMITS_BODY,
	judge(limits, { purse, owner }) {
		if (!sameBytes(limits.purse, purse)) throw authenticationFailed();
		return { key: owner, proves: limits };
	},
});

const APPROVAL: SignedDocument<
	ApprovalBody,
	Signed<ApprovalBody>,
	OwnedPurse
> = new SignedDocument({
	name: "an approval",
	role: "AP",
	body: structure<ApprovalBody>("an approval", {
		purse: DEVICE_ID,
		request: bytes(REQUEST_ID_BYTES),
		contract: bytes(CONTRACT_BYTES),
		payee: DEVICE_ID,
		issuer: DEVICE_ID,
		amount,
		isApproved: bool,
		ordered: time,
	}),
	judge(approval, { purse, owner }) {
		if (!sameBytes(approval.purse, purse)) throw authenticationFailed();
		return { key: owner, proves: approval };
	},
});

/** The largest limits and the largest approval as they are signed, in bytes. */
export const MAX_LIMITS_BYTES: number = LIMITS.maxBytes;
export const MAX_APPROVAL_BYTES: number = APPROVAL.maxBytes;

/** The bytes that the owner's key signs, and how they become the document of the limits. Throws `invalid-argument`. */
export function draftLimits(body: LimitsBody): Draft {
	return LIMITS.draft(body);
}

/** Reads limits (copied) for `purse` by the holder of `owner`. Throws `malformed` and `authentication-failed`. */
export function openLimits(
	crypto: CryptoProvider,
	document: Uint8Array,
	purse: Uint8Array,
	owner: Pick<Signer, "algorithm" | "publicKey">,
): LimitsOrder {
	return LIMITS.verify(crypto, LIMITS.read(document).signed, { purse, owner });
}

/** Reads limits that were verified when they came, from where this purse keeps them. Throws `malformed`. */
export function readLimits(document: Uint8Array): Signed<LimitsBody> {
	return LIMITS.read(document).signed;
}

/** As `draftLimits`, for an approval or a denial. */
export function draftApproval(body: ApprovalBody): Draft {
	return APPROVAL.draft(body);
}

/** As `openLimits`, for an approval or a denial. */
export function openApproval(
	crypto: CryptoProvider,
	document: Uint8Array,
	purse: Uint8Array,
	owner: Pick<Signer, "algorithm" | "publicKey">,
): ApprovalOrder {
	return APPROVAL.verify(crypto, APPROVAL.read(document).signed, {
		purse,
		owner,
	});
}

function requireLimit(limit: bigint): bigint {
	if (limit < 0n || limit > MAX_AMOUNT)
		throw malformed("a limit is larger than any amount");
	return limit;
}

function hasTwice(ids: readonly Uint8Array[]): boolean {
	return new Set(ids.map(hex)).size < ids.length;
}
