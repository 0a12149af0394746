/*
 * How a mint is named: by its address, written in one way only, because what stands for the mint in
 * contracts is a hash of it. What cannot be written so is refused rather than guessed at.
 */
import { TetradError } from "../../errors.ts";
import { malformed } from "../../wire/index.ts";
import { MAX_MINT_URL_BYTES } from "./limits.ts";

/** A name or an IPv4 address, or an IPv6 address in brackets. */
const HOST = /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])$/;
const PARTS = /^(https?):\/\/([^/:[\]]+|\[[^\]/]*\])(?::([0-9]{1,5}))?(\/.*)?$/;
const PATH = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$/;

/**
 * An address as it is hashed and sent: scheme and host in small letters, no port that the scheme
 * has anyway, no slash at the end. Throws `invalid-argument` for anything that has a user, a query,
 * a fragment, a percent sign, or letters that are not ASCII, and for more than `MAX_MINT_URL_BYTES`.
 */
export function normaliseMintUrl(url: string): string {
	const refuse = () =>
		new TetradError(
			"invalid-argument",
			"this is no address of a mint: write https://, a host, and a port or a path where there is one",
		);
	if (url.length > MAX_MINT_URL_BYTES) throw refuse();
	const at = url.indexOf("://");
	const slash = url.indexOf("/", at + 3);
	const origin = (slash === -1 ? url : url.slice(0, slash)).toLowerCase();
	const path = (slash === -1 ? "" : url.slice(slash)).replace(/\/+$/, "");
	const parts = PARTS.exec(origin);
	if (parts === null || !PATH.test(path)) throw refuse();
	const [, scheme = "", host = "", port] = parts;
	if (!HOST.test(host) || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535)
		throw refuse();
	const usual = scheme === "https" ? 443 : 80;
	const shown =
		port === undefined || Number(port) === usual ? "" : `:${Number(port)}`;
	return `${scheme}://${host}${shown}${path}`;
}

/** An address as it stands in terms. Throws `malformed` for one that is not written in the one way. */
export function requireMintUrl(url: string): string {
	let normal: string | undefined;
	try {
		normal = normaliseMintUrl(url);
	} catch {}
	if (normal !== url) throw malformed("a mint's address is not normalised");
	return url;
}

/** What a mint is called where an issuer has its certified name: its address without the scheme. */
export function nameOfMint(url: string): string {
	return url.slice(url.indexOf("://") + 3);
}
