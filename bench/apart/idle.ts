/* Holds connections on which nothing is said, as the end that calls or the one that is called: tetrads, as an agent and its module, or nested TLS. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { connect, listen } from "../../src/carrier/index.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { pairInProcess } from "../../src/device/runtime/in-process.ts";
import { MoneyModule } from "../../src/device/runtime/money-module.ts";
import type { Tetrad } from "../../src/device/runtime/tetrad.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import { parseTrustAnchor } from "../../src/identity/index.ts";
import { makePolicy } from "../../src/tetrad/index.ts";
import { opened } from "../../test/support/device-market.ts";
import { answer } from "../apart.ts";
import { UNLIMITED } from "../four.ts";
import { collectAll } from "../measure.ts";
import { answerNested, contextsOf, dialNested } from "../nested-tls.ts";
import type { IdleAnswer, IdleQuestion, SideAway } from "./idle-messages.ts";

/** What holds connections of one kind. */
interface Holder {
	listen(): Promise<number>;
	/** One more, on which a byte has gone there and back. */
	call(port: number): Promise<void>;
}

const BYTE: Uint8Array = Uint8Array.of(1);

async function sideHolder({
	agent,
	module,
	anchors,
}: SideAway): Promise<Holder> {
	const policy = makePolicy({
		agencies: [parseTrustAnchor(nodeCrypto, anchors.agency)],
		banks: [parseTrustAnchor(nodeCrypto, anchors.bank)],
		load: UNLIMITED,
	});
	const held: Tetrad[] = [];
	let arrived: (tetrad: Tetrad) => void = () => {};
	const own = new MoneyModule({
		identity: opened(module),
		policy,
		onTetrad: (tetrad) => arrived(tetrad),
	});
	const caller = new TrustedAgent({ identity: opened(agent), policy });
	await pairInProcess(caller, own);
	await caller.reachModule();
	return {
		async listen() {
			arrived = (tetrad) => {
				held.push(tetrad);
				void echo(tetrad);
			};
			const { address } = await listen("127.0.0.1:0", (carrier) => {
				void caller.accept(carrier).then((tetrad) => held.push(tetrad));
			});
			return address.kind === "tcp" ? address.port : Number.NaN;
		},
		async call(port) {
			const arriving = new Promise<Tetrad>((resolve) => {
				arrived = resolve;
			});
			held.push(await caller.connect(await connect(`127.0.0.1:${port}`)));
			const atModule = await arriving;
			held.push(atModule);
			await atModule.module.send(BYTE);
			await atModule.module.receive();
		},
	};
}

async function echo({ module }: Tetrad): Promise<void> {
	const message = await module.receive();
	if (message !== undefined) await module.send(message);
}

function tlsHolder(identities: Parameters<typeof contextsOf>[0]): Holder {
	const contexts = contextsOf(identities);
	const held: object[] = [];
	return {
		async listen() {
			const server = createServer((socket: Socket) => {
				void answerNested(socket, contexts).then((inner) => {
					held.push(inner);
					inner.once("data", (data) => inner.write(data));
				});
			});
			server.listen(0, "127.0.0.1");
			await once(server, "listening");
			const address = server.address();
			return address !== null && typeof address === "object"
				? address.port
				: Number.NaN;
		},
		async call(port) {
			const { client } = await dialNested(port, contexts);
			held.push(client);
			client.write(BYTE);
			await once(client, "data");
		},
	};
}

let holder: Holder | undefined;

answer<IdleQuestion, IdleAnswer>(async (question) => {
	switch (question.kind) {
		case "open-side":
			holder = await sideHolder(question.side);
			return { kind: "done" };
		case "open-tls":
			holder = tlsHolder(question.identities);
			return { kind: "done" };
		case "listen":
			return {
				kind: "listening",
				port: (await holder?.listen()) ?? Number.NaN,
			};
		case "hold":
			for (let i = 0; i < question.count; i++)
				await holder?.call(question.port);
			return { kind: "done" };
		case "memory": {
			await collectAll();
			const { rss, heapUsed, external } = process.memoryUsage();
			return { kind: "memory", rss, heap: heapUsed + external };
		}
	}
});
