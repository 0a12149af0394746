/*
 * What a server says, looked at before the library sees it. The library believes it, and a word on
 * authentication that it cannot read ends the process, with nobody to catch it; and a number of
 * iterations that the server names is worked off while nothing else is done. That is said by
 * whoever listens at the address, before it has proved anything.
 */

/** Bytes of one message before the server is ready for statements: those are short. */
const MAX_FIRST_MESSAGE_BYTES = 16_384;

/** And after it: more than the longest row takes, in hexadecimal, of what one transaction may write. */
const MAX_MESSAGE_BYTES: number = 2 ** 28;

/** Of PBKDF2, for a password: PostgreSQL has 4,096 unless its owner wants more. A million take 0.13 s. */
const MAX_ITERATIONS = 1_000_000;

const HEADER_BYTES = 5;
const LENGTH_BYTES = 4;
const AUTHENTICATION = "R".charCodeAt(0);
const READY = "Z".charCodeAt(0);
/** AuthenticationSASLContinue. */
const SASL_CONTINUE = 11;

const NOTHING = Buffer.alloc(0);

export class Handshake {
	/** Of a message that has not come whole: all that came, or once the server is ready, of its header. */
	#begun: Buffer = NOTHING;
	#isOver = false;
	/** Bytes still to come of a message whose header was looked at. */
	#left = 0;

	/** Of what came, what the library may have now: whole messages until the server is ready. Throws a sentence for what no server sends. */
	pass(chunk: Buffer): Buffer {
		if (this.#isOver) {
			this.#follow(chunk);
			return chunk;
		}
		const all = Buffer.concat([this.#begun, chunk]);
		let at = 0;
		while (!this.#isOver && all.length >= at + HEADER_BYTES) {
			const { type, bytes } = headerAt(all, at, MAX_FIRST_MESSAGE_BYTES);
			const end = at + HEADER_BYTES + bytes;
			if (all.length < end) break;
			if (type === AUTHENTICATION)
				checkAuthentication(all.subarray(at + HEADER_BYTES, end));
			this.#isOver = type === READY;
			at = end;
		}
		if (!this.#isOver) {
			this.#begun = all.subarray(at);
			return all.subarray(0, at);
		}
		this.#begun = NOTHING;
		this.#follow(all.subarray(at));
		return all;
	}

	/** From header to header: nobody is authenticated any more. */
	#follow(chunk: Buffer): void {
		let at = this.#left;
		while (at < chunk.length) {
			const more = HEADER_BYTES - this.#begun.length;
			const isCut = this.#begun.length > 0 || chunk.length < at + more;
			if (isCut)
				this.#begun = Buffer.concat([
					this.#begun,
					chunk.subarray(at, at + more),
				]);
			if (isCut && this.#begun.length < HEADER_BYTES) {
				this.#left = 0;
				return;
			}
			const { type, bytes } = isCut
				? headerAt(this.#begun, 0, MAX_MESSAGE_BYTES)
				: headerAt(chunk, at, MAX_MESSAGE_BYTES);
			if (type === AUTHENTICATION) throw anotherProtocol();
			this.#begun = NOTHING;
			at += more + bytes;
		}
		this.#left = at - chunk.length;
	}
}

/** The type of a message, and how many bytes follow its header. */
function headerAt(
	bytes: Buffer,
	at: number,
	max: number,
): { readonly type: number; readonly bytes: number } {
	const length = bytes.readUInt32BE(at + 1);
	if (length < LENGTH_BYTES || length > max) throw anotherProtocol();
	return { type: bytes.readUInt8(at), bytes: length - LENGTH_BYTES };
}

function anotherProtocol(): Error {
	return new Error("it speaks another protocol");
}

function checkAuthentication(body: Buffer): void {
	if (body.length < 4) throw anotherProtocol();
	if (body.readUInt32BE() !== SASL_CONTINUE) return;
	// RFC 5802, section 7: the first message of the server.
	const said = /^r=[\x21-\x2b\x2d-\x7e]+,s=[\w+/]+={0,2},i=(\d{1,10})$/.exec(
		body.toString("latin1", 4),
	);
	const iterations = Number(said?.[1] ?? 0);
	if (iterations < 1 || iterations > MAX_ITERATIONS)
		throw new Error(
			`it asks for the password in a way that no server does, or with more than ${MAX_ITERATIONS} iterations`,
		);
}
