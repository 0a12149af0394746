/*
 * A group of four of ts-mls, X-Wing, AES-256-GCM and Ed25519: one makes it and adds three, who have
 * each made a key package for it, and each joins by what it is sent. Everything is encoded and
 * decoded, nothing travels. A message is sealed for all, and only the one it is meant for opens it.
 */
import {
	type CiphersuiteImpl,
	type ClientState,
	type Credential,
	createApplicationMessage,
	createCommit,
	createGroup,
	decodeMlsMessage,
	defaultCapabilities,
	defaultLifetime,
	emptyPskIndex,
	encodeMlsMessage,
	generateKeyPackage,
	getCiphersuiteFromName,
	getCiphersuiteImpl,
	joinGroup,
	type MLSMessage,
	processPrivateMessage,
	zeroOutUint8Array,
} from "ts-mls";
import { Counter, type End, type Pair, takePairTurns } from "./pairs.ts";

const SUITE = "MLS_256_XWING_AES256GCM_SHA512_Ed25519";
const NAMES = ["module", "own agent", "other agent", "other module"] as const;

const impl: CiphersuiteImpl = await getCiphersuiteImpl(
	getCiphersuiteFromName(SUITE),
);

/** As it is read at the other end. */
function carried(message: MLSMessage): MLSMessage {
	const [decoded] = decodeMlsMessage(encodeMlsMessage(message), 0) ?? [];
	if (decoded === undefined) throw new Error("cannot be decoded");
	return decoded;
}

function keyPackage(name: string) {
	const identity = new TextEncoder().encode(name);
	const credential: Credential = { credentialType: "basic", identity };
	return generateKeyPackage(
		credential,
		defaultCapabilities(),
		defaultLifetime,
		[],
		impl,
	);
}

async function makeGroup(): Promise<readonly ClientState[]> {
	const [maker, ...others] = await Promise.all(NAMES.map(keyPackage));
	if (maker === undefined) throw new Error("there is nobody");
	const id = crypto.getRandomValues(new Uint8Array(16));
	const made = await createGroup(
		id,
		maker.publicPackage,
		maker.privatePackage,
		[],
		impl,
	);
	const extraProposals = others.map(({ publicPackage }) => {
		const sent = carried({
			keyPackage: publicPackage,
			wireformat: "mls_key_package",
			version: "mls10",
		});
		if (sent.wireformat !== "mls_key_package") throw new Error(sent.wireformat);
		const { keyPackage } = sent;
		return { proposalType: "add" as const, add: { keyPackage } };
	});
	const commit = await createCommit(
		{ state: made, cipherSuite: impl },
		{ extraProposals, ratchetTreeExtension: true },
	);
	commit.consumed.forEach(zeroOutUint8Array);
	const { welcome } = commit;
	if (welcome === undefined) throw new Error("nobody is welcome");
	const joined: ClientState[] = [];
	for (const { publicPackage, privatePackage } of others) {
		const sent = carried({
			welcome,
			wireformat: "mls_welcome",
			version: "mls10",
		});
		if (sent.wireformat !== "mls_welcome") throw new Error(sent.wireformat);
		joined.push(
			await joinGroup(
				sent.welcome,
				publicPackage,
				privatePackage,
				emptyPskIndex,
				impl,
			),
		);
	}
	return [commit.newState, ...joined];
}

/** A member, who sends to one other. */
class Member implements End {
	#state: ClientState;
	readonly #counter = new Counter();
	other: Member | undefined;

	constructor(state: ClientState) {
		this.#state = state;
	}

	async send(bytes: Uint8Array): Promise<void> {
		const sealed = await createApplicationMessage(this.#state, bytes, impl);
		this.#state = sealed.newState;
		sealed.consumed.forEach(zeroOutUint8Array);
		await this.other?.take(
			encodeMlsMessage({
				privateMessage: sealed.privateMessage,
				wireformat: "mls_private_message",
				version: "mls10",
			}),
		);
	}

	async take(bytes: Uint8Array): Promise<void> {
		const [message] = decodeMlsMessage(bytes, 0) ?? [];
		if (message?.wireformat !== "mls_private_message")
			throw new Error("not a message");
		const opened = await processPrivateMessage(
			this.#state,
			message.privateMessage,
			emptyPskIndex,
			impl,
		);
		this.#state = opened.newState;
		opened.consumed.forEach(zeroOutUint8Array);
		if (opened.kind !== "applicationMessage") throw new Error(opened.kind);
		this.#counter.came(opened.message.length);
	}

	receive(bytes: number): Promise<void> {
		return this.#counter.receive(bytes);
	}
}

await takePairTurns(async (): Promise<Pair> => {
	const states = await makeGroup();
	const [left, right] = [states[0], states[3]].map(
		(state) => new Member(state as ClientState),
	) as [Member, Member];
	left.other = right;
	right.other = left;
	return { left, right, end() {} };
});
