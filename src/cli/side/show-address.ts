import { type Address, formatAddress } from "../../carrier/index.ts";

/** An address as a person writes it: TCP goes without saying. */
export function showAddress(address: Address): string {
	return formatAddress(address).replace(/^tcp:/, "");
}
