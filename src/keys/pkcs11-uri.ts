import { fileURLToPath } from "node:url";
import { TetradError } from "../errors.ts";
import { parseUtf8 } from "../wire/index.ts";
import { MAX_URI_CHARACTERS } from "./limits.ts";

/** Which token is meant: every attribute that is given must fit (RFC 7512, 2.4). */
export interface TokenSelector {
	readonly token?: string;
	readonly serial?: string;
	readonly manufacturer?: string;
	readonly model?: string;
}

/** A PKCS#11 URI (RFC 7512) as far as keys of Tetrad need it. */
export interface Pkcs11Uri {
	readonly token: TokenSelector;
	/** CKA_LABEL of the key. */
	readonly object?: string;
	/** CKA_ID of the key, in hexadecimal. */
	readonly id?: string;
	/** The library that reaches the token: an absolute path. */
	readonly modulePath: string;
	/** The file that holds the PIN: an absolute path. */
	readonly pinFile?: string;
}

const SCHEME = "pkcs11:";
const TOKEN_ATTRIBUTES = ["token", "serial", "manufacturer", "model"] as const;

/** What RFC 7512, 2.3 defines and we do not follow, with what to write instead. */
const NOT_FOLLOWED: Readonly<Record<string, string>> = {
	"pin-value":
		"a PIN may not stand in a URI; put it into a file and write pin-source=file:/…",
	"module-name": "name the library's file by module-path=/…",
	"slot-id": "slots change their numbers; name the token by token= and serial=",
	"slot-description": "name the token by token= and serial=",
	"slot-manufacturer": "name the token by token= and serial=",
	"library-description": "name the library by module-path=/…",
	"library-manufacturer": "name the library by module-path=/…",
	"library-version": "name the library by module-path=/…",
};

/**
 * Parses strictly: an attribute that is repeated or unknown is refused, and so is a PIN in the
 * URI itself. Only a query attribute whose name begins with "x-" is passed over, as RFC 7512,
 * 2.3 wants it of a vendor's; in the path a vendor's attribute would narrow what is meant.
 * Throws `invalid-argument`, and never quotes a value.
 */
export function parsePkcs11Uri(text: string): Pkcs11Uri {
	if (text.length > MAX_URI_CHARACTERS)
		throw refused(`is over ${MAX_URI_CHARACTERS} characters; shorten it`);
	if (text.slice(0, SCHEME.length).toLowerCase() !== SCHEME)
		throw refused(`begins with ${SCHEME}`);
	const [pathText = "", ...queries] = text.slice(SCHEME.length).split("?");
	if (queries.length > 1) throw refused("holds one question mark at most");
	const path = attributes(pathText, ";");
	const query = attributes(queries[0] ?? "", "&");
	const token: Partial<Record<(typeof TOKEN_ATTRIBUTES)[number], string>> = {};
	for (const name of TOKEN_ATTRIBUTES) {
		const value = path.get(name);
		path.delete(name);
		if (value !== undefined) token[name] = textOf(name, value);
	}
	if (Object.keys(token).length === 0)
		throw refused("has to name the token; add token=…");
	const object = take(path, "object");
	const id = take(path, "id");
	const type = take(path, "type");
	if (type !== undefined && textOf("type", type) !== "private")
		throw refused("is to name a private key; leave type out");
	const modulePath = take(query, "module-path");
	const pinSource = take(query, "pin-source");
	for (const name of query.keys())
		if (name.startsWith("x-")) query.delete(name);
	for (const name of [...path.keys(), ...query.keys()])
		throw refused(
			`holds the attribute ${name}, which is not followed; ${NOT_FOLLOWED[name] ?? "leave it out"}`,
		);
	return {
		token,
		...(object === undefined ? {} : { object: textOf("object", object) }),
		...(id === undefined ? {} : { id: Buffer.from(id).toString("hex") }),
		modulePath: absolute("module-path", modulePath),
		...(pinSource === undefined ? {} : { pinFile: pinFileOf(pinSource) }),
	};
}

/** The URI that `parsePkcs11Uri` reads back as the same. */
export function printPkcs11Uri(uri: Pkcs11Uri): string {
	const path = [
		...TOKEN_ATTRIBUTES.flatMap((name) => {
			const value = uri.token[name];
			return value === undefined ? [] : [`${name}=${encode(value)}`];
		}),
		...(uri.object === undefined ? [] : [`object=${encode(uri.object)}`]),
		...(uri.id === undefined ? [] : [`id=${uri.id.replace(/../g, "%$&")}`]),
	];
	const query = [
		`module-path=${encode(uri.modulePath)}`,
		...(uri.pinFile === undefined ? [] : [`pin-source=${encode(uri.pinFile)}`]),
	];
	return `${SCHEME}${path.join(";")}?${query.join("&")}`;
}

function encode(value: string): string {
	return encodeURIComponent(value).replaceAll("%2F", "/");
}

function take(
	from: Map<string, Uint8Array>,
	name: string,
): Uint8Array | undefined {
	const value = from.get(name);
	from.delete(name);
	return value;
}

function attributes(text: string, separator: string): Map<string, Uint8Array> {
	const found = new Map<string, Uint8Array>();
	if (text === "") return found;
	for (const part of text.split(separator)) {
		const [, name, value] = /^([a-z0-9_-]+)=(.*)$/is.exec(part) ?? [];
		if (name === undefined || value === undefined)
			throw refused(
				`is name=value pairs with ${separator} between them; check it`,
			);
		if (name.length > 40) throw refused("holds an attribute with a long name");
		if (found.has(name)) throw refused(`holds the attribute ${name} twice`);
		if (value === "") throw refused(`leaves the attribute ${name} empty`);
		found.set(name, percentDecoded(name, value));
	}
	return found;
}

/** RFC 3986's unreserved characters, and the others that RFC 7512, 2.3 lets stand for themselves; "&" and ";" never come here as their own separator. */
const PLAIN = /^[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|&]$/;

function percentDecoded(name: string, value: string): Uint8Array {
	const bytes: number[] = [];
	for (let at = 0; at < value.length; at++) {
		const character = value[at] as string;
		const pair = value.slice(at + 1, at + 3);
		if (character === "%" && /^[0-9a-f]{2}$/i.test(pair)) {
			bytes.push(Number.parseInt(pair, 16));
			at += 2;
		} else if (PLAIN.test(character)) bytes.push(character.charCodeAt(0));
		else
			throw refused(
				`writes the attribute ${name} with a character that has to be percent-encoded`,
			);
	}
	return Uint8Array.from(bytes);
}

function textOf(name: string, bytes: Uint8Array): string {
	try {
		const text = parseUtf8(bytes);
		if (!text.includes("\0")) return text;
	} catch {
		// The same refusal as for a zero character.
	}
	throw refused(`writes the attribute ${name} in something other than UTF-8`);
}

function absolute(name: string, bytes: Uint8Array | undefined): string {
	const path = bytes && textOf(name, bytes);
	if (path?.startsWith("/")) return path;
	throw refused(
		`has to name a file by its whole path; write ${name}=/… in the query`,
	);
}

/** A path or a file: URI. RFC 7512, 2.4 also allows a command after "|", which we never run. */
function pinFileOf(bytes: Uint8Array): string {
	const source = textOf("pin-source", bytes);
	if (source.startsWith("|"))
		throw refused("may not run a command for the PIN; name a file");
	if (!/^file:/i.test(source)) return absolute("pin-source", bytes);
	try {
		return fileURLToPath(source.replace(/^file:(?=\/[^/])/i, "file://"));
	} catch {
		throw refused("names no local file in pin-source; write file:/…");
	}
}

function refused(what: string): TetradError {
	return new TetradError("invalid-argument", `a PKCS#11 URI for a key ${what}`);
}
