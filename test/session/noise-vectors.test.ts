import assert from "node:assert/strict";
import { test } from "node:test";
import { type CryptoProvider, nodeCrypto } from "../../src/crypto/index.ts";
import { x25519FromPrivate } from "../../src/crypto/node.ts";
import {
	type NoiseProtocol,
	readMessage1,
	SUITES,
	startInitiator,
} from "../../src/session/index.ts";
import { nonceFor } from "../../src/session/nonce.ts";
import { hex } from "../../src/wire/index.ts";
import { readVectors, unhex } from "../support/vectors.ts";

interface NoiseVector {
	readonly protocol_name: string;
	readonly init_prologue: string;
	readonly init_ephemeral: string;
	readonly init_psks?: readonly string[];
	readonly resp_prologue: string;
	readonly resp_ephemeral: string;
	readonly handshake_hash: string;
	readonly messages: readonly { payload: string; ciphertext: string }[];
}

const PROTOCOLS: readonly NoiseProtocol[] = [
	...SUITES.map(({ protocol }) => protocol).filter(
		// Two suites of one protocol differ after it.
		({ pattern, aead, records }) => pattern === "NN" && records === aead,
	),
	{
		name: "Noise_NNpsk0_25519_AESGCM_SHA256",
		pattern: "NNpsk0",
		aead: "AESGCM",
		records: "AESGCM",
	},
	{
		name: "Noise_NNpsk0_25519_ChaChaPoly_SHA256",
		pattern: "NNpsk0",
		aead: "ChaChaPoly",
		records: "ChaChaPoly",
	},
];

function withEphemeral(secret: string): CryptoProvider {
	return {
		...nodeCrypto,
		generateX25519: () => x25519FromPrivate(unhex(secret)),
	};
}

test("the public vectors of NN and NNpsk0 pass byte for byte", (t) => {
	const file = readVectors<{ vectors: NoiseVector[] }>(
		t,
		"noise/cacophony-25519-sha256.json",
		({ vectors }) => vectors.length,
	);
	if (file === undefined) return;
	const ours = file.vectors.filter(({ protocol_name }) =>
		PROTOCOLS.some(({ name }) => name === protocol_name),
	);
	assert.equal(ours.length, PROTOCOLS.length, "a vector of each protocol");
	for (const vector of ours) runVector(vector);
});

function runVector(vector: NoiseVector): void {
	const protocol = PROTOCOLS.find(
		({ name }) => name === vector.protocol_name,
	) as NoiseProtocol;
	const psk = vector.init_psks?.[0];
	const setup = (prologue: string) => ({
		protocol,
		prologue: unhex(prologue),
		...(psk === undefined ? {} : { psk: unhex(psk) }),
	});
	const [first, second, ...transport] = vector.messages;
	assert.ok(first && second);
	const { message1, awaiting } = startInitiator(
		withEphemeral(vector.init_ephemeral),
		setup(vector.init_prologue),
		unhex(first.payload),
	);
	assert.equal(hex(message1), first.ciphertext);
	const answering = readMessage1(
		withEphemeral(vector.resp_ephemeral),
		setup(vector.resp_prologue),
		message1,
	);
	assert.equal(hex(answering.payload), first.payload);
	const responder = answering.finish(unhex(second.payload));
	assert.equal(hex(responder.message2), second.ciphertext);
	const initiator = awaiting.finish(responder.message2);
	assert.equal(hex(initiator.payload), second.payload);
	assert.equal(hex(initiator.hash), hex(answering.hash));
	assert.equal(hex(initiator.secrets.finalHash), vector.handshake_hash);
	assert.deepEqual(initiator.secrets, responder.secrets);

	// The vectors' transport messages have no associated data, so they test the keys of Split and
	// the nonces; our records, which have a header, are tested elsewhere.
	assert.ok(transport.length > 0);
	for (const [i, { payload, ciphertext }] of transport.entries()) {
		const { initiatorKey, responderKey } = initiator.secrets;
		const { aead } = protocol;
		const cipher = nodeCrypto.aead(
			aead,
			i % 2 === 0 ? initiatorKey : responderKey,
		);
		const sealed = cipher.seal(
			nonceFor(aead, Math.floor(i / 2)),
			new Uint8Array(),
			unhex(payload),
		);
		assert.equal(hex(sealed), ciphertext);
	}
}
