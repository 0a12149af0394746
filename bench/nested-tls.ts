import * as node from "node:crypto";
import { once } from "node:events";
import {
	createServer,
	connect as netConnect,
	type Server,
	type Socket,
} from "node:net";
import {
	createSecureContext,
	type SecureContext,
	TLSSocket,
	connect as tlsConnect,
} from "node:tls";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
	AlgorithmIdentifier,
	AttributeTypeAndValue,
	AttributeValue,
	BasicConstraints,
	Certificate,
	Extension,
	Extensions,
	Name,
	RelativeDistinguishedName,
	SubjectPublicKeyInfo,
	TBSCertificate,
	Validity,
	Version,
} from "@peculiar/asn1-x509";
import type { SignatureAlgorithm } from "../src/crypto/index.ts";

/** What one end proves who it is with, and whom it trusts, in PEM. */
export interface TlsIdentity {
	readonly cert: string;
	readonly key: string;
	readonly ca: string;
}

/** Of an end, for the session outside and for the one inside it. */
type Contexts = readonly [outer: SecureContext, inner: SecureContext];

/** The two ends of a TLS connection inside another, each authenticated both ways, with nothing that binds them. */
export interface NestedTls {
	readonly client: TLSSocket;
	readonly server: TLSSocket;
	destroy(): void;
}

/** A TLS connection whose client reads into memory that it has given once. */
export interface TlsInto {
	/** At the server. */
	readonly sender: TLSSocket;
	/** Resolves when so many bytes have come to the client. */
	come(bytes: number): Promise<void>;
	destroy(): void;
}

/** Two nested TLS 1.3 sessions over loopback TCP, with the same signature algorithm and Node's default groups. */
export class TlsBench {
	readonly #server: Server;
	readonly #near: Contexts;
	readonly #far: Contexts;

	private constructor(server: Server, near: Contexts, far: Contexts) {
		this.#server = server;
		this.#near = near;
		this.#far = far;
	}

	static async make(algorithm: SignatureAlgorithm): Promise<TlsBench> {
		const server = createServer();
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const { near, far } = makeIdentities(algorithm);
		return new TlsBench(server, contextsOf(near), contextsOf(far));
	}

	/** Both handshakes, until a byte has crossed the inner one each way. */
	async establish(): Promise<NestedTls> {
		const accepted = once(this.#server, "connection").then(([socket]) =>
			answerNested(socket as Socket, this.#far),
		);
		const { socket, client } = await dialNested(this.#port(), this.#near);
		client.write("1");
		const server = await accepted;
		await once(server, "data");
		const answered = once(client, "data");
		server.write("2");
		await answered;
		return {
			client,
			server,
			destroy() {
				socket.destroy();
				server.destroy();
			},
		};
	}

	/** One TLS connection over loopback, for throughput. */
	async single(): Promise<NestedTls> {
		const accepted = once(this.#server, "connection").then(([socket]) =>
			secured(socket as Socket, this.#far[0]),
		);
		const socket = netConnect(this.#port(), "127.0.0.1");
		socket.setNoDelay();
		const client = tlsConnect({
			socket,
			secureContext: this.#near[0],
			checkServerIdentity: () => undefined,
		});
		await once(client, "secureConnect");
		const server = await accepted;
		return {
			client,
			server,
			destroy() {
				socket.destroy();
				server.destroy();
			},
		};
	}

	/**
	 * The same, read at its client into `bytes` of memory again and again. Node does so for what is
	 * connected to and not for what is accepted, and hands out no memory of TLS that could be given back.
	 */
	async singleInto(bytes: number): Promise<TlsInto> {
		let left = 0;
		let allCame = () => {};
		const accepted = once(this.#server, "connection").then(([socket]) =>
			secured(socket as Socket, this.#far[0]),
		);
		const client = tlsConnect({
			host: "127.0.0.1",
			port: this.#port(),
			secureContext: this.#near[0],
			checkServerIdentity: () => undefined,
			...{
				onread: {
					buffer: new Uint8Array(bytes),
					callback(read: number) {
						left -= read;
						if (left <= 0) allCame();
						return true;
					},
				},
			},
		});
		client.setNoDelay();
		await once(client, "secureConnect");
		const sender = await accepted;
		return {
			sender,
			come: (bytes) =>
				new Promise((resolve) => {
					left = bytes;
					allCame = resolve;
				}),
			destroy() {
				client.destroy();
				sender.destroy();
			},
		};
	}

	close(): void {
		this.#server.close();
	}

	#port(): number {
		const address = this.#server.address();
		if (address === null || typeof address === "string")
			throw new Error("the server has no port");
		return address.port;
	}
}

export function contextsOf([outer, inner]: readonly TlsIdentity[]): Contexts {
	const context = (identity: TlsIdentity | undefined) =>
		createSecureContext({ ...identity, minVersion: "TLSv1.3" });
	return [context(outer), context(inner)];
}

/** Both handshakes, as the end that calls. */
export async function dialNested(
	port: number,
	[outside, inside]: Contexts,
): Promise<{ readonly socket: Socket; readonly client: TLSSocket }> {
	const socket = netConnect(port, "127.0.0.1");
	socket.setNoDelay();
	const outer = tlsConnect({
		socket,
		secureContext: outside,
		checkServerIdentity: () => undefined,
	});
	await once(outer, "secureConnect");
	const client = tlsConnect({
		socket: outer,
		secureContext: inside,
		checkServerIdentity: () => undefined,
	});
	await once(client, "secureConnect");
	return { socket, client };
}

/** Both handshakes, as the end that is called. */
export async function answerNested(
	socket: Socket,
	[outside, inside]: Contexts,
): Promise<TLSSocket> {
	return secured(await secured(socket, outside), inside);
}

async function secured(
	socket: Socket,
	secureContext: SecureContext,
): Promise<TLSSocket> {
	socket.setNoDelay();
	const server = new TLSSocket(socket, {
		isServer: true,
		secureContext,
		requestCert: true,
		rejectUnauthorized: true,
	});
	await once(server, "secure");
	if (!server.authorized && server.authorizationError)
		throw new Error(String(server.authorizationError));
	return server;
}

const P256_SHA256 = new AlgorithmIdentifier({
	algorithm: "1.2.840.10045.4.3.2",
});
const ED25519 = new AlgorithmIdentifier({ algorithm: "1.3.101.112" });

/** Those of two ends, for two sessions between them. */
export function makeIdentities(algorithm: SignatureAlgorithm): {
	readonly near: readonly TlsIdentity[];
	readonly far: readonly TlsIdentity[];
} {
	const sessions = [makePair(algorithm), makePair(algorithm)];
	return {
		near: sessions.map(({ near }) => near),
		far: sessions.map(({ far }) => far),
	};
}

/** A root and two certificates under it, as ordinary TLS has them. */
function makePair(algorithm: SignatureAlgorithm): {
	readonly near: TlsIdentity;
	readonly far: TlsIdentity;
} {
	const root = makeKey(algorithm);
	const ca = certify(
		algorithm,
		"root",
		root.publicKey,
		"root",
		root.privateKey,
		true,
	);
	const identity = (name: string): TlsIdentity => {
		const key = makeKey(algorithm);
		return {
			cert: certify(
				algorithm,
				name,
				key.publicKey,
				"root",
				root.privateKey,
				false,
			),
			key: key.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
			ca,
		};
	};
	return { near: identity("client"), far: identity("server") };
}

/** Both halves, as Node.js has them. */
interface KeyPair {
	readonly privateKey: node.KeyObject;
	readonly publicKey: node.KeyObject;
}

function makeKey(algorithm: SignatureAlgorithm): KeyPair {
	return algorithm === "P-256"
		? node.generateKeyPairSync("ec", { namedCurve: "P-256" })
		: node.generateKeyPairSync("ed25519");
}

function certify(
	algorithm: SignatureAlgorithm,
	subject: string,
	publicKey: node.KeyObject,
	issuer: string,
	issuerKey: node.KeyObject,
	isCa: boolean,
): string {
	const signatureAlgorithm = algorithm === "P-256" ? P256_SHA256 : ED25519;
	const constraints = new BasicConstraints({ cA: isCa });
	const tbs = new TBSCertificate({
		version: Version.v3,
		serialNumber: new Uint8Array([1, ...node.randomBytes(8)]).buffer,
		signature: signatureAlgorithm,
		issuer: named(issuer),
		validity: new Validity({
			notBefore: new Date(Date.now() - 3_600_000),
			notAfter: new Date(Date.now() + 86_400_000),
		}),
		subject: named(subject),
		subjectPublicKeyInfo: AsnConvert.parse(
			publicKey.export({ type: "spki", format: "der" }),
			SubjectPublicKeyInfo,
		),
		extensions: new Extensions([
			new Extension({
				extnID: "2.5.29.19",
				critical: true,
				extnValue: new OctetString(AsnConvert.serialize(constraints)),
			}),
		]),
	});
	const bytes = new Uint8Array(AsnConvert.serialize(tbs));
	const signature = node.sign(
		algorithm === "P-256" ? "sha256" : null,
		bytes,
		issuerKey,
	);
	const certificate = new Certificate({
		tbsCertificate: tbs,
		signatureAlgorithm,
		signatureValue: new Uint8Array(signature).buffer,
	});
	const der = Buffer.from(AsnConvert.serialize(certificate));
	const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
	return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function named(name: string): Name {
	return new Name([
		new RelativeDistinguishedName([
			new AttributeTypeAndValue({
				type: "2.5.4.3",
				value: new AttributeValue({ utf8String: name }),
			}),
		]),
	]);
}
