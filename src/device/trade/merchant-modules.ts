/* A merchant may have several modules, and what it sold belongs to the one that was paid: which is met, and where another one is. */
import { formatAddress, parseAddress } from "../../carrier/index.ts";
import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { nameInDeviceId } from "../../money/index.ts";
import { parseContract } from "../../trade/documents/index.ts";
import { readProvisional } from "../../trade/records/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { Buyer } from "./buyer.ts";
import { MAX_RESUMED, WHERE_WITHIN_MS } from "./limits.ts";
import { tradeTetrad } from "./trade-session.ts";

/** Throws `authentication-failed` when another agent than that merchant's was met. */
export function requireMerchant(
	{ tetrad }: Buyer,
	{ deviceId, name }: Pick<CertifiedDevice, "deviceId" | "name">,
	address: string,
): void {
	if (!sameBytes(tradeTetrad(tetrad).other.agent.deviceId, deviceId))
		throw new TetradError(
			"authentication-failed",
			`another agent than the one of ${name} that made the offer answers at ${address}`,
		);
}

/** Whether the other module is that one. */
export function isWith({ tetrad }: Buyer, module: Uint8Array): boolean {
	return sameBytes(tradeTetrad(tetrad).other.module.deviceId, module);
}

/** Throws `authentication-failed` when the merchant was met with another of its modules than the one that was asked for. */
export function requireModule(
	buyer: Buyer,
	module: Uint8Array,
	at: string,
): void {
	if (!isWith(buyer, module))
		throw new TetradError(
			"authentication-failed",
			`the merchant said that its module ${nameInDeviceId(module)} is met at ${at}, and another one is`,
		);
}

/** Where a merchant says that it is met with another of its modules: a port of the host at which it was called. `undefined` of one that has no such module, or does not know the question. Rejects with `timed-out` when it does not answer, and with why the tetrad is lost. */
export async function whereIs(
	buyer: Buyer,
	module: Uint8Array,
	address: string,
	signal: AbortSignal | undefined,
): Promise<string | undefined> {
	const called = parseAddress(address);
	if (called.kind !== "tcp") return undefined;
	const late = AbortSignal.timeout(WHERE_WITHIN_MS);
	const until = signal === undefined ? late : AbortSignal.any([late, signal]);
	try {
		const port = await buyer.where(module, until);
		return formatAddress({ ...called, port });
	} catch (thrown) {
		if (signal?.aborted) throw thrown;
		const { code } = asTetradError(thrown);
		// Whoever does not know the question closes the tetrad. One that is lost has said nothing.
		if (code === "payment-refused" || code === "tetrad-closed")
			return undefined;
		if (!late.aborted) throw thrown;
		throw new TetradError(
			"timed-out",
			`the merchant does not say where its module ${nameInDeviceId(module)} is met`,
			{ cause: thrown },
		);
	}
}

/** What a merchant sold that is met now, when another of its modules than that one was paid. */
export interface SoldElsewhere {
	readonly module: Uint8Array;
	/** In hexadecimal. */
	readonly contracts: ReadonlySet<string>;
}

/** What is not over of that, by module. */
export async function soldElsewhere(
	{ tetrad }: Buyer,
	store: AgentStore,
): Promise<readonly SoldElsewhere[]> {
	const { other } = tradeTetrad(tetrad);
	const found = new Map<
		string,
		{ readonly module: Uint8Array; readonly contracts: Set<string> }
	>();
	for (const { contract, document } of await store.transact(
		readProvisional(MAX_RESUMED),
	)) {
		const { sellerAgent, sellerModule } = parseContract(nodeCrypto, document);
		if (!sameBytes(sellerAgent, other.agent.deviceId)) continue;
		if (sameBytes(sellerModule, other.module.deviceId)) continue;
		const id = hex(sellerModule);
		const known = found.get(id);
		if (known !== undefined) known.contracts.add(hex(contract));
		else
			found.set(id, {
				module: sellerModule,
				contracts: new Set([hex(contract)]),
			});
	}
	return [...found.values()];
}
