/*
 * The world that the crash harness breaks: the one that `tetrad sandbox` makes, with a second buyer.
 *
 *   issuer   its module and its agent
 *   shop     both under `tetrad up`, so that whoever starts them again can die, too
 *   buyer    its module, its agent, and a program that buys at it
 *   guest    a buyer whose module runs, and whose agent is whichever command is given
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { asOperator } from "../src/device/issuer/http/index.ts";
import {
	moduleIdOf,
	openOwner,
	placeLimits,
	placeWithdrawal,
	readIssuerTerms,
} from "../src/device/purse/index.ts";
import { deviceHome, makeSandbox } from "../src/device/setup/index.ts";
import { readSide } from "../src/device/side/index.ts";
import { plansOfSide } from "../src/device/supervisor/side-plans.ts";
import { formatAmount, type IssuerTerms } from "../src/money/index.ts";
import { hex } from "../src/wire/index.ts";
import { done } from "../test/support/commands.ts";
import { Disk } from "./disk.ts";
import { Machine, PATIENCE_MS, type Trouble } from "./machine.ts";

export const BUYERS = ["buyer", "guest"] as const;
export type BuyerName = (typeof BUYERS)[number];

export const MACHINES = ["issuer", "shop", "buyer", "guest"] as const;
export type MachineName = (typeof MACHINES)[number];

const SHOPPER = fileURLToPath(new URL("shopper.ts", import.meta.url));

/** Credited to each buyer beside what the sandbox gives, in minor units. */
const CREDIT = 5_000_00n;

/** What the sandbox gives each buyer, in minor units. */
const GIVEN = 100_00n;

/** What each buyer has, in its purse or in its account. */
export const MONEY: bigint = CREDIT + GIVEN;

/** An item of the shop: what it costs in minor units, and what its buyer gets. */
export interface Item {
	readonly name: string;
	readonly price: bigint;
	/** Whether something has to be ordered. */
	readonly isMade: boolean;
	readonly goods: (order: string) => Buffer;
}

/** More than one chunk. */
const PICTURE = randomBytes(70_000);
const KEY = "KEY-7F3A-91C2";

export const ITEMS: readonly Item[] = [
	{ name: "picture.bin", price: 25n, isMade: false, goods: () => PICTURE },
	{ name: "licence", price: 10n, isMade: false, goods: () => Buffer.from(KEY) },
	{
		name: "capitals",
		price: 5n,
		isMade: true,
		goods: (order) => Buffer.from(order.toUpperCase()),
	},
];

/** What `World.make` needs. */
export interface WorldOptions {
	/** An empty folder, by its real path, which is short: sockets are in it. */
	readonly folder: string;
	/** The compiled `disk.c`; without it nothing can lose its power. */
	readonly library?: string | undefined;
	/** Machines whose disks lie about syncs. */
	readonly liars?: readonly MachineName[];
}

export class World {
	readonly folder: string;
	readonly machines: Readonly<Record<MachineName, Machine>>;
	readonly terms: IssuerTerms;
	/** What ended by itself. */
	readonly troubles: Trouble[];

	private constructor(
		parts: Pick<World, "folder" | "machines" | "terms" | "troubles">,
	) {
		this.folder = parts.folder;
		this.machines = parts.machines;
		this.terms = parts.terms;
		this.troubles = parts.troubles;
	}

	static async make({
		folder,
		library,
		liars = [],
	}: WorldOptions): Promise<World> {
		const made = join(folder, "world");
		const address = (side: string) => `unix:${join(made, side, "at.sock")}`;
		await makeSandbox(made, {
			addresses: {
				issuer: address("issuer"),
				shop: address("shop"),
				// It has no HTTP API: see below.
				operators: "127.0.0.1:1",
			},
		});
		const guest = ["setup", "buyer", join(made, "guest")];
		await done([...guest, "--sandbox", made]);
		for (const name of MACHINES)
			await settings(join(made, name), address(name));
		await stock(join(made, "shop", "goods"));
		await credit(made);
		const troubles: Trouble[] = [];
		await mkdir(join(folder, "said"));
		const machine = (name: MachineName, plans: Plans) => {
			const disk =
				library === undefined
					? undefined
					: new Disk(
							library,
							join(made, name),
							join(folder, `disk-${name}`),
							liars.includes(name),
						);
			const [told, said] = [join(folder, "told"), join(folder, "said")];
			const of = { name, folder: join(made, name), told, said };
			return new Machine({ ...of, disk, troubles }, plans);
		};
		const side = (name: MachineName) => readSide(join(made, name), {});
		const plans = async (name: MachineName): Promise<Plans> =>
			plansOfSide(await side(name)).map(({ name, args, ready }) => ({
				...{ name, ready },
				args: [...args, "--json"],
			}));
		const up = ["up", "--home", join(made, "shop"), "--json"];
		const serve = ["serve", "--home", join(made, "buyer"), "--no-module"];
		const supervised = { ready: "up", supervises: ["module", "agent"] };
		const issuer = await plans("issuer");
		const buyer = [
			...(await plans("buyer")),
			{ name: "agent", args: [...serve, "--json"], ready: "answering" },
			{
				name: "shopper",
				program: SHOPPER,
				args: [join(made, "buyer")],
				ready: "ready",
			},
		];
		const world = new World({
			folder,
			terms: await readIssuerTerms(join(made, "buyer", "issuer.terms.json")),
			troubles,
			machines: {
				issuer: machine("issuer", issuer),
				shop: machine("shop", [{ name: "up", args: up, ...supervised }]),
				buyer: machine("buyer", buyer),
				guest: machine("guest", await plans("guest")),
			},
		});
		return world;
	}

	/** The home of a side's agent or module. */
	home(machine: MachineName, role: "agent" | "module"): string {
		return deviceHome(this.machines[machine].folder, role);
	}

	/** Where the agent of a side answers others. */
	address(machine: MachineName): string {
		return `unix:${join(this.machines[machine].folder, "at.sock")}`;
	}

	/** Whether somebody kills processes. */
	set isStruck(is: boolean) {
		for (const machine of this.all) machine.isStruck = is;
	}

	get all(): readonly Machine[] {
		return Object.values(this.machines);
	}

	/** Throws unless all run soon. */
	async untilUp(): Promise<void> {
		const devices = this.all.flatMap((machine) => machine.devices);
		for (const until = Date.now() + PATIENCE_MS; ; ) {
			if (devices.every((device) => device.isUp)) return;
			this.requireNoTrouble();
			for (const device of devices) device.hurry();
			if (Date.now() > until)
				throw new Error(
					`does not run: ${devices
						.filter((device) => !device.isUp)
						.map(
							({ name, command }) =>
								`${name}\n${command?.stdout.slice(-1000)}\n${command?.stderr.slice(-1000)}`,
						)
						.join("\n")}`,
				);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}

	requireNoTrouble(): void {
		const [trouble] = this.troubles;
		if (trouble !== undefined)
			throw new Error(`${trouble.device} ${trouble.what}`);
	}

	/** Orders notes for a buyer, as its owner. */
	async withdraw(buyer: BuyerName, amount: bigint): Promise<void> {
		const home = this.home(buyer, "module");
		const purse = await moduleIdOf(home);
		const { issuer } = this.terms;
		await placeWithdrawal(home, await owner(), { purse, issuer, amount });
	}

	async stop(): Promise<void> {
		await Promise.all(this.all.map((machine) => machine.stop()));
	}
}

type Plans = ConstructorParameters<typeof Machine>[1];

function owner(): ReturnType<typeof openOwner> {
	return openOwner("unsafe-no-owner", () => {
		throw new Error("this world has no secrets");
	});
}

/** Everybody meets the issuer every second; buyers can be paid, and the issuer has no HTTP API. */
async function settings(side: string, address: string): Promise<void> {
	const path = join(side, "tetrad.toml");
	let text = await readFile(path, "utf8");
	text = text.replace(/settle-every = \d+/, "settle-every = 1");
	text = text.replace(/\n\[operate\]\n[^[]*/, "\n");
	if (!text.includes("[agent]"))
		text += `\n[agent]\nlisten = ${JSON.stringify(address)}\n`;
	await writeFile(path, text);
}

async function stock(folder: string): Promise<void> {
	await writeFile(join(folder, "picture.bin"), PICTURE);
	const price = (name: string) => {
		const item = ITEMS.find((one) => one.name === name);
		return formatAmount(item?.price ?? 1n, { code: "PLAY", exponent: 2 });
	};
	const items = [
		{ file: "picture.bin", price: price("picture.bin") },
		{ name: "licence", text: KEY, price: price("licence") },
		{ name: "capitals", onOrder: "tr a-z A-Z", price: price("capitals") },
	];
	await writeFile(
		join(folder, "catalogue.json"),
		JSON.stringify({ version: 1, items }),
	);
}

/** All that the buyers have is theirs to spend. */
async function credit(made: string): Promise<void> {
	await asOperator(
		deviceHome(join(made, "issuer"), "module"),
		async (operator) => {
			for (const name of BUYERS) {
				const home = deviceHome(join(made, name), "module");
				const amount = formatAmount(CREDIT, { code: "PLAY", exponent: 2 });
				const purse = hex(await moduleIdOf(home));
				await operator.credit(purse, { amount, reference: `more for ${name}` });
			}
		},
	);
	const home = deviceHome(join(made, "buyer"), "module");
	await placeLimits(home, await owner(), {
		purse: await moduleIdOf(home),
		number: 2n,
		money: [],
		merchants: undefined,
		approveNewMerchants: false,
	});
}
