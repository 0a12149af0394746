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

interface TlsEnd {
	readonly context: SecureContext;
}

/** The two ends of a TLS connection inside another, each authenticated both ways, with nothing that binds them. */
export interface NestedTls {
	readonly client: TLSSocket;
	readonly server: TLSSocket;
	destroy(): void;
}

/** Two nested TLS 1.3 sessions over loopback TCP, with the same signature algorithm and Node's default groups. */
export class TlsBench {
	readonly #server: Server;
	readonly #outer: readonly [TlsEnd, TlsEnd];
	readonly #inner: readonly [TlsEnd, TlsEnd];

	private constructor(
		server: Server,
		outer: readonly [TlsEnd, TlsEnd],
		inner: readonly [TlsEnd, TlsEnd],
	) {
		this.#server = server;
		this.#outer = outer;
		this.#inner = inner;
	}

	static async make(algorithm: SignatureAlgorithm): Promise<TlsBench> {
		const server = createServer();
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		return new TlsBench(server, makeEnds(algorithm), makeEnds(algorithm));
	}

	/** Both handshakes, until a byte has crossed the inner one each way. */
	async establish(): Promise<NestedTls> {
		const accepted = once(this.#server, "connection").then(([socket]) =>
			this.#answer(socket as Socket),
		);
		const address = this.#server.address();
		if (address === null || typeof address === "string")
			throw new Error("the server has no port");
		const socket = netConnect(address.port, "127.0.0.1");
		socket.setNoDelay();
		const outer = tlsConnect({
			socket,
			secureContext: this.#outer[0].context,
			checkServerIdentity: () => undefined,
		});
		await once(outer, "secureConnect");
		const client = tlsConnect({
			socket: outer,
			secureContext: this.#inner[0].context,
			checkServerIdentity: () => undefined,
		});
		await once(client, "secureConnect");
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
			secured(socket as Socket, this.#outer[1]),
		);
		const address = this.#server.address();
		if (address === null || typeof address === "string")
			throw new Error("the server has no port");
		const socket = netConnect(address.port, "127.0.0.1");
		socket.setNoDelay();
		const client = tlsConnect({
			socket,
			secureContext: this.#outer[0].context,
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

	close(): void {
		this.#server.close();
	}

	async #answer(socket: Socket): Promise<TLSSocket> {
		const outer = await secured(socket, this.#outer[1]);
		return secured(outer, this.#inner[1]);
	}
}

async function secured(socket: Socket, end: TlsEnd): Promise<TLSSocket> {
	socket.setNoDelay();
	const server = new TLSSocket(socket, {
		isServer: true,
		secureContext: end.context,
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

/** A root and two certificates under it, as ordinary TLS has them. */
function makeEnds(algorithm: SignatureAlgorithm): readonly [TlsEnd, TlsEnd] {
	const root = makeKey(algorithm);
	const rootPem = certify(
		algorithm,
		"root",
		root.publicKey,
		"root",
		root.privateKey,
		true,
	);
	const end = (name: string): TlsEnd => {
		const key = makeKey(algorithm);
		return {
			context: createSecureContext({
				cert: certify(
					algorithm,
					name,
					key.publicKey,
					"root",
					root.privateKey,
					false,
				),
				key: key.privateKey.export({ type: "pkcs8", format: "pem" }),
				ca: rootPem,
				minVersion: "TLSv1.3",
			}),
		};
	};
	return [end("client"), end("server")];
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
