/*
 * What a server says before it is ready for statements, looked at before the library sees it. The
 * library believes it, and what it cannot read there ends the process, with nobody to catch it;
 * and a number of iterations that the server names is worked off while nothing else is done. All
 * that is said by whoever listens at that address, before it has proved anything.
 */

/** Bytes of one message: what a server says before it is ready is short. */
const MAX_MESSAGE_BYTES = 16_384;

/** Of PBKDF2, for a password: PostgreSQL has 4,096 unless its owner wants more. A million take 0.13 s. */
const MAX_ITERATIONS = 1_000_000;

const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;
const AUTHENTICATION = "R".charCodeAt(0);
const READY = "Z".charCodeAt(0);
/** AuthenticationSASLContinue. */
const SASL_CONTINUE = 11;

export class Handshake {
	#unread: Uint8Array = new Uint8Array();
	#isOver = false;

	/** Of what came, what the library may have now: whole messages. Throws a sentence for one that no server sends. */
	pass(chunk: Uint8Array): Uint8Array {
		if (this.#isOver) return chunk;
		const all = Buffer.concat([this.#unread, chunk]);
		let at = 0;
		while (!this.#isOver && all.length >= at + TYPE_BYTES + LENGTH_BYTES) {
			const length = all.readUInt32BE(at + TYPE_BYTES);
			if (length < LENGTH_BYTES || length > MAX_MESSAGE_BYTES)
				throw new Error("it speaks another protocol");
			const end = at + TYPE_BYTES + length;
			if (all.length < end) break;
			const type = all[at];
			if (type === AUTHENTICATION)
				checkAuthentication(all.subarray(at + TYPE_BYTES + LENGTH_BYTES, end));
			this.#isOver = type === READY;
			at = end;
		}
		if (this.#isOver) at = all.length;
		this.#unread = all.subarray(at);
		return all.subarray(0, at);
	}
}

function checkAuthentication(body: Buffer): void {
	if (body.length < 4) throw new Error("it speaks another protocol");
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
