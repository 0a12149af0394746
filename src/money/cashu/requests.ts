/*
 * What a mint is asked: a path, and the exact bytes of a body, which are stored before they are sent
 * and are the same when they are sent again, so that a mint that keeps its answers (NUT-19) knows
 * them. No request has the factor of a blinding: a mint that sees it knows whose money it is.
 */
import { TetradError } from "../../errors.ts";
import { hex, utf8 } from "../../wire/index.ts";
import { type Writable, writeJson } from "./json.ts";
import { MAX_INPUTS, MAX_OUTPUTS } from "./limits.ts";
import type { Output } from "./output.ts";
import type { Proof } from "./proof.ts";

/** One request over HTTP. The path begins behind the mint's address. */
export interface MintRequest {
	readonly method: "GET" | "POST";
	readonly path: string;
	/** JSON; empty for GET. */
	readonly body: Uint8Array;
}

/** A proof that is spent. */
export interface Input extends Proof {
	/** What its lock demands, in JSON. */
	readonly witness: string | undefined;
}

/** Proofs that no lock is on, as inputs. */
export function plainInputs(proofs: readonly Proof[]): Input[] {
	return proofs.map((proof) => ({ ...proof, witness: undefined }));
}

/** NUT-06. */
export const INFO_REQUEST: MintRequest = get("/v1/info");
/** NUT-01: active keysets, with their keys. */
export const KEYS_REQUEST: MintRequest = get("/v1/keys");
/** NUT-02: all keysets, without. */
export const KEYSETS_REQUEST: MintRequest = get("/v1/keysets");

/** NUT-02: the keys of one keyset. */
export function keysRequest(keyset: Uint8Array): MintRequest {
	return get(`/v1/keys/${hex(keyset)}`);
}

/** NUT-03. Throws `limit-exceeded` for more inputs or outputs than there may be. */
export function swapRequest(
	inputs: readonly Input[],
	outputs: readonly Output[],
): MintRequest {
	return post("/v1/swap", {
		inputs: written(inputs),
		outputs: asked(outputs),
	});
}

/** NUT-04 and NUT-23: an invoice to be paid for new ecash. */
export function mintQuoteRequest(unit: string, amount: bigint): MintRequest {
	return post("/v1/mint/quote/bolt11", { amount, unit });
}

/** What became of that invoice. Throws `invalid-argument` for a name that no mint gives. */
export function mintQuoteStateRequest(quote: string): MintRequest {
	return get(`/v1/mint/quote/bolt11/${inPath(quote)}`);
}

/** NUT-04: new ecash for a quote that is paid. Throws as `swapRequest`. */
export function mintRequest(
	quote: string,
	outputs: readonly Output[],
): MintRequest {
	return post("/v1/mint/bolt11", { quote, outputs: asked(outputs) });
}

/** NUT-05 and NUT-23: what it costs to have an invoice paid. */
export function meltQuoteRequest(unit: string, invoice: string): MintRequest {
	return post("/v1/melt/quote/bolt11", { request: invoice, unit });
}

/** What became of that payment. Throws as `mintQuoteStateRequest`. */
export function meltQuoteStateRequest(quote: string): MintRequest {
	return get(`/v1/melt/quote/bolt11/${inPath(quote)}`);
}

/** NUT-05 and NUT-08: ecash for an invoice that the mint pays. Throws as `swapRequest`. */
export function meltRequest(
	quote: string,
	inputs: readonly Input[],
	blanks: readonly Output[],
): MintRequest {
	return post("/v1/melt/bolt11", {
		quote,
		inputs: written(inputs),
		outputs: blanks.length === 0 ? undefined : asked(blanks),
	});
}

/** NUT-07, for points Y. Throws `limit-exceeded` for more than `MAX_INPUTS`. */
export function stateRequest(ys: readonly Uint8Array[]): MintRequest {
	requireCount(ys.length, MAX_INPUTS, "proofs");
	return post("/v1/checkstate", { Ys: ys.map(hex) });
}

/** NUT-09. Throws as `swapRequest`. */
export function restoreRequest(outputs: readonly Output[]): MintRequest {
	return post("/v1/restore", { outputs: asked(outputs) });
}

function written(inputs: readonly Input[]): Writable {
	requireCount(inputs.length, MAX_INPUTS, "inputs");
	return inputs.map(({ amount, keyset, secret, signature, witness }) => ({
		amount,
		id: hex(keyset),
		secret,
		C: hex(signature),
		witness,
	}));
}

function asked(outputs: readonly Output[]): Writable {
	requireCount(outputs.length, MAX_OUTPUTS, "outputs");
	return outputs.map(({ amount, keyset, blinded }) => ({
		amount,
		id: hex(keyset),
		B_: hex(blinded),
	}));
}

function requireCount(count: number, max: number, what: string): void {
	if (count > max)
		throw new TetradError(
			"limit-exceeded",
			`${count} ${what} are too many for one request to a mint, which may have ${max}`,
		);
}

function get(path: string): MintRequest {
	return { method: "GET", path, body: new Uint8Array() };
}

function post(path: string, body: Writable): MintRequest {
	return { method: "POST", path, body: utf8(writeJson(body)) };
}

const QUOTE = /^[A-Za-z0-9._~-]+$/;

/** A quote's name comes from the mint, and must not become another path. */
function inPath(quote: string): string {
	if (!QUOTE.test(quote) || /^\.+$/.test(quote))
		throw new TetradError(
			"invalid-argument",
			"a quote's name has characters that no path has",
		);
	return quote;
}
