import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import {
	type Account,
	type Address,
	type Chain,
	createPublicClient,
	createWalletClient,
	defineChain,
	type Hex,
	type HttpTransport,
	http,
	nonceManager,
	type PublicClient,
	parseAbi,
	type WalletClient,
} from "viem";
import {
	generatePrivateKey,
	mnemonicToAccount,
	type PrivateKeyAccount,
	privateKeyToAccount,
} from "viem/accounts";

const require = createRequire(import.meta.url);

/** Of the accounts that anvil fills by itself. */
const ANVIL_WORDS =
	"test test test test test test test test test test test junk";

/** A client that reads the chain and writes to it for one account. */
export type Facilitator = PublicClient &
	Pick<
		WalletClient<HttpTransport, Chain, Account>,
		"writeContract" | "sendTransaction"
	> & { readonly address: Address };

const COIN_ABI = parseAbi([
	"constructor(address[] holders, uint256 each)",
	"function balanceOf(address) view returns (uint256)",
]);

/** A chain of its own, without a network, that makes a block at once of each transaction and keeps it in memory. */
export class OwnChain implements AsyncDisposable {
	readonly chain: Chain;
	readonly coin: Address;
	readonly holders: readonly PrivateKeyAccount[];
	/** Pays for gas. */
	readonly operator: WalletClient<HttpTransport, Chain, Account>;
	readonly #anvil: ChildProcess;
	readonly #client: PublicClient;

	private constructor(parts: {
		readonly chain: Chain;
		readonly coin: Address;
		readonly holders: readonly PrivateKeyAccount[];
		readonly operator: WalletClient<HttpTransport, Chain, Account>;
		readonly anvil: ChildProcess;
		readonly client: PublicClient;
	}) {
		this.chain = parts.chain;
		this.coin = parts.coin;
		this.holders = parts.holders;
		this.operator = parts.operator;
		this.#anvil = parts.anvil;
		this.#client = parts.client;
	}

	/** With so many holders of as many coins each. */
	static async start(holders: number, each: bigint): Promise<OwnChain> {
		const [anvil, port] = await startAnvil();
		const chain = defineChain({
			id: 31337,
			name: "bench",
			nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
			rpcUrls: { default: { http: [`http://127.0.0.1:${port}`] } },
		});
		const account = mnemonicToAccount(ANVIL_WORDS, { nonceManager });
		// What is polled for is there at once on this chain, and viem would look for it every 4 s.
		const shared = { chain, transport: http(), pollingInterval: 5 };
		const client = createPublicClient(shared);
		const operator = createWalletClient({ account, ...shared });
		const accounts = Array.from({ length: holders }, () =>
			privateKeyToAccount(generatePrivateKey()),
		);
		const addresses = accounts.map(({ address }) => address);
		const hash = await operator.deployContract({
			abi: COIN_ABI,
			bytecode: compileCoin(),
			args: [addresses, each],
		});
		const { contractAddress } = await client.waitForTransactionReceipt({
			hash,
		});
		if (!contractAddress) throw new Error("the coin was not deployed");
		const parts = { chain, coin: contractAddress, holders: accounts };
		return new OwnChain({ ...parts, operator, anvil, client });
	}

	get network(): `eip155:${number}` {
		return `eip155:${this.chain.id}`;
	}

	/** What a facilitator reads and writes with. */
	get facilitator(): Facilitator {
		const { address } = this.operator.account;
		return { ...this.operator, ...this.#client, address };
	}

	async balanceOf(holder: Address): Promise<bigint> {
		return this.#client.readContract({
			address: this.coin,
			abi: COIN_ABI,
			functionName: "balanceOf",
			args: [holder],
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#anvil.kill();
	}
}

async function startAnvil(): Promise<[ChildProcess, number]> {
	const arch = process.arch === "x64" ? "amd64" : process.arch;
	const binary = require.resolve(
		`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`,
	);
	const anvil = spawn(binary, ["--port", "0"], {
		stdio: ["ignore", "pipe", "ignore"],
	});
	for await (const line of createInterface({ input: anvil.stdout })) {
		const [, port] = /Listening on .*:(\d+)/.exec(line) ?? [];
		if (port === undefined) continue;
		anvil.stdout.resume();
		return [anvil, Number(port)];
	}
	throw new Error("anvil ended before it listened");
}

function compileCoin(): Hex {
	const solc: { readonly compile: (input: string) => string } = require("solc");
	const content = readFileSync(new URL("token.sol", import.meta.url), "utf8");
	const { contracts, errors } = JSON.parse(
		solc.compile(
			JSON.stringify({
				language: "Solidity",
				sources: { coin: { content } },
				settings: {
					optimizer: { enabled: true },
					outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
				},
			}),
		),
	);
	const bytecode = contracts?.coin?.BenchCoin?.evm.bytecode.object;
	if (!bytecode) throw new Error(`solc: ${JSON.stringify(errors)}`);
	return `0x${bytecode}`;
}
