/* NUT-01 and NUT-02: what everybody may know of keys. */
import type { MintKeyset } from "./keysets.ts";
import { Refusal } from "./refusal.ts";
import type { Vault } from "./vault.ts";

export function activeKeys(vault: Vault): object {
	return withKeys(vault.keysets().filter(({ isActive }) => isActive));
}

export function keysOf(vault: Vault, id: string): object {
	const keyset = vault.keyset(id);
	if (keyset === undefined)
		throw new Refusal("keysetUnknown", "a keyset is not known");
	return withKeys([keyset]);
}

export function keysets(vault: Vault): object {
	return { keysets: vault.keysets().map(withoutKeys) };
}

function withKeys(of: readonly MintKeyset[]): object {
	return {
		keysets: of.map((keyset) => ({
			...withoutKeys(keyset),
			keys: keyset.publicKeys,
		})),
	};
}

function withoutKeys({ id, unit, isActive, inputFeePpk }: MintKeyset): object {
	return { id, unit, active: isActive, input_fee_ppk: inputFeePpk };
}
