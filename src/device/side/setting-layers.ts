import { resolve } from "node:path";
import {
	type Address,
	formatAddress,
	parseAddress,
} from "../../carrier/index.ts";
import { asTetradError } from "../../errors.ts";
import { unusable } from "../home/index.ts";
import {
	readSettingText,
	type SettingKey,
	type SideFile,
	type UserFile,
} from "./side-file.ts";

/** Variables of an environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value comes from; the first of these that has it wins. */
type SettingSource = "flag" | "environment" | "file" | "default";

/** A value that holds, and from where. */
export interface FoundSetting {
	readonly key: SettingKey | "home" | `module ${number}: ${string}`;
	/** Paths are absolute, addresses as `formatAddress` writes them. Nothing is said where this is undefined. */
	readonly value: string | number | undefined;
	readonly from: SettingSource;
	/** The flag, the variable or the file; empty for a default. */
	readonly where: string;
}

/** Where a secret of a device is; neither is said where it is asked for. */
export interface SecretPlaces {
	readonly passphrase?: SecretPlace;
	readonly pin?: SecretPlace;
}

/** A file with a secret in its only line, or an environment variable. */
export type SecretPlace = { readonly file: string } | { readonly env: string };

/** How a side was named. */
export type NamedBy = Pick<FoundSetting, "from" | "where">;

/** The environment variable that stands for a key: `TETRAD_ISSUER_SETTLE_EVERY` for `issuer.settle-every`. */
export function variableOf(key: SettingKey): string {
	return `TETRAD_${key.toUpperCase().replace(/[.-]/g, "_")}`;
}

interface FileOf<Settings> {
	readonly folder: string;
	readonly file: string;
	readonly settings: Settings;
}

export type FileOfUser = FileOf<UserFile>;

/** A value as its layer says it. */
interface RawSetting extends NamedBy {
	readonly value: string | number;
	/** What its paths are relative to. */
	readonly base: string;
	/** The lower ones win. */
	readonly layer: number;
}

/** Higher than every layer. */
const LAST = 9;

/** Finds each key in the first layer that has it, and keeps from where. */
export class Layers {
	readonly found: FoundSetting[];
	readonly #side: FileOf<SideFile>;
	readonly #user: FileOfUser | undefined;
	readonly #environment: Environment;

	constructor(
		side: FileOf<SideFile>,
		user: FileOfUser | undefined,
		environment: Environment,
		named: NamedBy,
	) {
		this.#side = side;
		this.#user = user;
		this.#environment = environment;
		this.found = [{ key: "home", value: side.folder, ...named }];
	}

	/** A text as it stands there. */
	text(key: SettingKey): string | undefined;
	text(key: SettingKey, otherwise: string): string;
	text(key: SettingKey, otherwise?: string): string | undefined {
		const { value } = this.#keep(key, otherwise, (raw) => String(raw));
		return value as string | undefined;
	}

	number(key: SettingKey, otherwise: number): number {
		const { value } = this.#keep(key, otherwise, Number);
		return value as number;
	}

	/** At which port the agent is met with its first module, where that is said. */
	portOfModule(): number | undefined {
		const { value } = this.#keep("module.port", undefined, Number);
		return value as number | undefined;
	}

	/** Relative to the folder of the file; what the environment says, to the working folder. */
	path(key: SettingKey): string | undefined;
	path(key: SettingKey, otherwise: string): string;
	path(key: SettingKey, otherwise?: string): string | undefined {
		const { value } = this.#keep(key, otherwise, (raw, base) =>
			resolve(base, String(raw)),
		);
		return value as string | undefined;
	}

	address(key: SettingKey): Address | undefined;
	address(key: SettingKey, otherwise: string): Address;
	address(key: SettingKey, otherwise?: string): Address | undefined {
		const { value } = this.#keep(key, otherwise, (raw, base) => {
			const [, path] = /^unix:(.*)$/s.exec(String(raw)) ?? [];
			return formatAddress(
				parseAddress(
					path === undefined ? String(raw) : `unix:${resolve(base, path)}`,
				),
			);
		});
		return value === undefined ? undefined : parseAddress(String(value));
	}

	/** Where the first layer says that a secret is. */
	secret(
		name: "agent" | "module",
		what: "passphrase" | "pin",
	): SecretPlace | undefined {
		const file = `secrets.${name}-${what}-file` as const;
		const env = `secrets.${name}-${what}-env` as const;
		const [ofFile, ofEnv] = [this.#raw(file), this.#raw(env)];
		if (ofFile !== undefined && ofFile.layer === ofEnv?.layer)
			throw unusable(
				`${ofFile.where}: ${file} and ${env}: say one of the two, and not both`,
			);
		const path = this.path(file);
		const variable = this.text(env);
		const isInFile =
			path !== undefined && (ofFile?.layer ?? 0) < (ofEnv?.layer ?? LAST);
		if (isInFile) return { file: path };
		return variable === undefined ? undefined : { env: variable };
	}

	/** Whether anybody says anything of a key. */
	says(key: SettingKey): boolean {
		return this.#raw(key) !== undefined;
	}

	#keep(
		key: SettingKey,
		otherwise: string | number | undefined,
		read: (raw: string | number, base: string) => string | number,
	): FoundSetting {
		const raw = this.#raw(key);
		const value = raw?.value ?? otherwise;
		const { from, where, base } = raw ?? {
			from: "default" as const,
			where: "",
			base: this.#side.folder,
		};
		try {
			const found = {
				key,
				value: value === undefined ? undefined : read(value, base),
				from,
				where,
			};
			this.found.push(found);
			return found;
		} catch (thrown) {
			const { message } = asTetradError(thrown);
			throw unusable(
				`${where === "" ? this.#side.file : where}: ${key}: ${message}`,
				thrown,
			);
		}
	}

	#raw(key: SettingKey): RawSetting | undefined {
		const variable = variableOf(key);
		const text = this.#environment[variable];
		if (text !== undefined && text !== "")
			return {
				value: readSettingText(key, text, variable),
				from: "environment",
				where: variable,
				base: process.cwd(),
				layer: 0,
			};
		for (const [at, file] of [this.#side, this.#user].entries()) {
			const value = file && valueAt(file.settings, key);
			if (file === undefined || value === undefined) continue;
			const { file: where, folder: base } = file;
			return { value, from: "file", where, base, layer: at + 1 };
		}
		return undefined;
	}
}

function valueAt(
	settings: object,
	key: SettingKey,
): string | number | undefined {
	const [table = "", name = ""] = key.split(".");
	const tables = settings as Readonly<
		Record<string, Readonly<Record<string, string | number>> | undefined>
	>;
	return tables[table]?.[name];
}
