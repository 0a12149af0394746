import {
	type Address,
	formatAddress,
	type TcpAddress,
} from "../../carrier/index.ts";
import type { HomeSecrets } from "../home/index.ts";
import {
	type ProcessEvent,
	runIssuerProcess,
	runModuleProcess,
} from "../process/index.ts";
import type { SecretPlace, SecretPlaces } from "../side/index.ts";
import { DeviceProcess } from "../supervisor/index.ts";

/** A module that is started by the agent that needs it. */
export interface HostedModule {
	readonly home: string;
	readonly listen: Address;
	/** Whether it is an issuer's, and where operators ask that one. */
	readonly isIssuer: boolean;
	readonly http: TcpAddress | undefined;
	readonly secrets: HomeSecrets;
	/** Where a process of its own finds them. */
	readonly secretPlaces: SecretPlaces;
}

/** It stops what it runs. */
export type ModuleHost = AsyncDisposable;

/** Starts a module as a process of its own, and resolves when it listens. Rejects with why it does not. */
export async function startApart(
	{ home, listen, isIssuer, http, secretPlaces }: HostedModule,
	signal: AbortSignal,
): Promise<ModuleHost> {
	const process = new DeviceProcess<ProcessEvent>(
		`the module of ${home}`,
		[
			...(isIssuer ? ["issuer", "run"] : ["module"]),
			...["--home", home, "--listen", formatAddress(listen)],
			...(isIssuer && http !== undefined
				? ["--http", formatAddress(http).slice("tcp:".length)]
				: []),
			...flagsOf("passphrase", secretPlaces.passphrase),
			...flagsOf("pin", secretPlaces.pin),
		],
		signal,
	);
	try {
		await process.expect("listening");
		return process;
	} catch (thrown) {
		await process.stop();
		throw thrown;
	}
}

/** Starts a module in this process, and resolves when it listens. Rejects with why it does not. */
export async function startInside({
	home,
	listen,
	isIssuer,
	http,
	secrets,
}: HostedModule): Promise<ModuleHost> {
	const stop = new AbortController();
	const listening = Promise.withResolvers<void>();
	const run = isIssuer ? runIssuerProcess : runModuleProcess;
	const running = run(
		{
			...{ home, listen, secrets, link: "paired", signal: stop.signal },
			...(http === undefined
				? {}
				: { http: { ...http, unsafeAnywhere: false } }),
		},
		(event) => {
			if (event.event === "listening") listening.resolve();
		},
	);
	running.catch(listening.reject);
	await listening.promise;
	return {
		async [Symbol.asyncDispose]() {
			stop.abort();
			await running;
		},
	};
}

function flagsOf(
	what: "passphrase" | "pin",
	place: SecretPlace | undefined,
): string[] {
	if (place === undefined) return [];
	return "file" in place
		? [`--${what}-file`, place.file]
		: [`--${what}-env`, place.env];
}
