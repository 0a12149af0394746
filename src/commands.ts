/* What the program can be asked to do. A command says how it is called once it is called. */
import type { Command } from "commander";

/** One command of the program, or one group of them. */
export interface Entry {
	readonly name: string;
	/** What the program's help says may follow the name. */
	readonly usage: string;
	readonly description: string;
	/** Loads what adds its flags, its help and what it does. */
	load(): Promise<(command: Command) => void>;
}

const FLAGS = "[options]";

/** In the order in which the program's help has them. */
export const COMMANDS: readonly Entry[] = [
	{
		name: "demo",
		usage: FLAGS,
		description:
			"start four processes, make them one conversation, and use it on a file",
		load: async () => (await import("./show/index.ts")).declareDemo,
	},
	{
		name: "claims",
		usage: FLAGS,
		description:
			"check the eleven claims of US patent 5,703,949 against captured traffic",
		load: async () => (await import("./show/index.ts")).declareClaims,
	},
	{
		name: "attack",
		usage: FLAGS,
		description:
			"attack a sandbox, or a deployment of yours on this machine, and say what held",
		load: async () => (await import("./cli/attack/index.ts")).declareAttack,
	},
	{
		name: "sandbox",
		usage: `${FLAGS} [folder]`,
		description:
			"make and run a world of play money: authorities, an issuer, a shop and a buyer",
		load: async () => (await import("./cli/side/index.ts")).declareSandbox,
	},
	{
		name: "setup",
		usage: `${FLAGS} <kind> [folder]`,
		description:
			"make a side, which is an agent and its module: a buyer, a shop or an issuer",
		load: async () => (await import("./cli/side/index.ts")).declareSetup,
	},
	{
		name: "up",
		usage: FLAGS,
		description:
			"run a side: its module and its agent, started again when they die",
		load: async () => (await import("./cli/side/index.ts")).declareUp,
	},
	{
		name: "authority",
		usage: "",
		description:
			"run an agency, which certifies agents, or a bank, which certifies modules",
		load: async () =>
			(await import("./cli/authority/index.ts")).declareAuthority,
	},
	{
		name: "enroll",
		usage: FLAGS,
		description:
			"make a device: first its key and a request to its authority, then its home from the certificate",
		load: async () => (await import("./cli/device/index.ts")).declareEnroll,
	},
	{
		name: "recertify",
		usage: FLAGS,
		description:
			"renew a device: a new key in the same store, under the same device id; its pairing stays",
		load: async () => (await import("./cli/device/index.ts")).declareRecertify,
	},
	{
		name: "lists",
		usage: FLAGS,
		description: "show the untrusted lists that a device holds, or take one in",
		load: async () => (await import("./cli/device/index.ts")).declareLists,
	},
	{
		name: "policy",
		usage: FLAGS,
		description: "check policy.json of a device, and show what it demands",
		load: async () => (await import("./cli/device/index.ts")).declarePolicy,
	},
	{
		name: "pair",
		usage: FLAGS,
		description:
			"pair an agent and its module, once; run it at both, the module first",
		load: async () => (await import("./cli/device/index.ts")).declarePair,
	},
	{
		name: "agent",
		usage: FLAGS,
		description:
			"run a trusted agent: device 1 or 2, which talks and holds no money",
		load: async () => (await import("./cli/device/index.ts")).declareAgent,
	},
	{
		name: "module",
		usage: FLAGS,
		description: "run a money module: device 3 or 4, which serves one agent",
		load: async () => (await import("./cli/device/index.ts")).declareModule,
	},
	{
		name: "health",
		usage: FLAGS,
		description:
			"ask a running device how it is; exit code 0 when it does its work, and 1 when not",
		load: async () => (await import("./cli/device/index.ts")).declareHealth,
	},
	{
		name: "serve",
		usage: FLAGS,
		description:
			"run the agent of a side: it sells, answers, settles, and is there for the programs of this machine",
		load: async () => (await import("./cli/device/index.ts")).declareServe,
	},
	{
		name: "store",
		usage: FLAGS,
		description:
			"say where an agent keeps what it has bought and sold, or move it to PostgreSQL",
		load: async () => (await import("./cli/device/index.ts")).declareStore,
	},
	{
		name: "mcp",
		usage: FLAGS,
		description:
			"give a language model tools to buy with, over MCP, within the limits of the module's owner",
		load: async () => (await import("./cli/mcp/index.ts")).declareMcp,
	},
	{
		name: "purse",
		usage: "",
		description:
			"look after the money of a module: its purse, for the owner and not for the agent",
		load: async () => (await import("./cli/purse/index.ts")).declarePurse,
	},
	{
		name: "balance",
		usage: FLAGS,
		description: "show what a purse has: to spend, to deposit, and in doubt",
		load: async () => (await import("./cli/purse/index.ts")).declareBalance,
	},
	{
		name: "status",
		usage: FLAGS,
		description:
			"show how a side is: what runs, its certificates and lists, its money, and what waits for you",
		load: async () => (await import("./cli/doctor/index.ts")).declareStatus,
	},
	{
		name: "doctor",
		usage: FLAGS,
		description: "say what is wrong with a side, and what to do about it",
		load: async () => (await import("./cli/doctor/index.ts")).declareDoctor,
	},
	{
		name: "config",
		usage: FLAGS,
		description: "show the settings of a side, and from where each of them is",
		load: async () => (await import("./cli/config/index.ts")).declareConfig,
	},
	{
		name: "settle",
		usage: FLAGS,
		description:
			"meet the issuer now: withdraw what was ordered, deposit what was received",
		load: async () => (await import("./cli/trade/index.ts")).declareSettle,
	},
	{
		name: "limits",
		usage: FLAGS,
		description:
			"show and set what a purse may pay; setting needs the owner's secret",
		load: async () => (await import("./cli/limits/index.ts")).declareLimits,
	},
	{
		name: "approvals",
		usage: FLAGS,
		description: "show the payments that wait for the owner of a purse",
		load: async () => (await import("./cli/limits/index.ts")).declareApprovals,
	},
	{
		name: "approve",
		usage: `${FLAGS} <contract>`,
		description: "let a payment that waits be made",
		load: async () => (await import("./cli/limits/index.ts")).declareApprove,
	},
	{
		name: "deny",
		usage: `${FLAGS} <contract>`,
		description: "refuse a payment that waits",
		load: async () => (await import("./cli/limits/index.ts")).declareDeny,
	},
	{
		name: "issuer",
		usage: "",
		description:
			"run an issuer, whose module makes notes and takes them back; play money unless it is told otherwise",
		load: async () => (await import("./cli/issuer/index.ts")).declareIssuer,
	},
	{
		name: "sell",
		usage: `${FLAGS} [folder]`,
		description:
			"sell the files of a folder, texts, and what is made on order, to whoever comes",
		load: async () => (await import("./cli/trade/index.ts")).declareSell,
	},
	{
		name: "catalogue",
		usage: `${FLAGS} <address>`,
		description: "show what a merchant sells, and for how much",
		load: async () => (await import("./cli/trade/index.ts")).declareCatalogue,
	},
	{
		name: "buy",
		usage: `${FLAGS} <address> <item>`,
		description:
			"buy one item: either the goods are here and paid, or nothing is, or it goes on by itself",
		load: async () => (await import("./cli/trade/index.ts")).declareBuy,
	},
	{
		name: "purchases",
		usage: FLAGS,
		description: "show what an agent has bought, and what became of it",
		load: async () => (await import("./cli/trade/index.ts")).declarePurchases,
	},
	{
		name: "sales",
		usage: FLAGS,
		description: "show what an agent has heard of its module's sales",
		load: async () => (await import("./cli/trade/index.ts")).declareSales,
	},
	{
		name: "resolve",
		usage: `${FLAGS} [address]`,
		description:
			"go on with purchases that are in doubt, or whose goods are missing",
		load: async () => (await import("./cli/trade/index.ts")).declareResolve,
	},
	{
		name: "refund",
		usage: `${FLAGS} <contract>`,
		description: "give back what a sale was paid with, or a part of it",
		load: async () => (await import("./cli/trade/index.ts")).declareRefund,
	},
	{
		name: "receipt",
		usage: `${FLAGS} <contract>`,
		description:
			"write the receipt of a purchase: who sold what to whom for how much",
		load: async () => (await import("./cli/trade/index.ts")).declareReceipt,
	},
	{
		name: "dispute",
		usage: `${FLAGS} <contract>`,
		description:
			"write what proves that goods are not what their merchant signed for",
		load: async () => (await import("./cli/trade/index.ts")).declareDispute,
	},
	{
		name: "log",
		usage: "",
		description:
			"the log of an agent or of a purse: show it, and hold the device to it as far as others were told",
		load: async () => (await import("./cli/log/index.ts")).declareLog,
	},
	{
		name: "verify",
		usage: `${FLAGS} <file>`,
		description:
			"judge a receipt, evidence or an archive by itself, with no network; exit code 0 when it proves something, and 1 when not",
		load: async () => (await import("./cli/verify/index.ts")).declareVerify,
	},
	{
		name: "completion",
		usage: "<shell>",
		description:
			"print what a shell reads to complete commands and flags: bash, zsh or fish",
		load: async () => {
			const { declareCompletion } = await import("./cli/completion/index.ts");
			return (command) => declareCompletion(command, declareAll);
		},
	},
];

/** Declares every command, with all of its flags, for whoever lists them. */
export async function declareAll(program: Command): Promise<void> {
	for (const { name, description, load } of COMMANDS)
		(await load())(program.command(name).description(description));
}
