export {
	ANSWERS_FILE,
	beingSetUpAs,
	findSide,
	isSide,
} from "./find-side.ts";
export {
	type FoundSetting,
	type SecretPlace,
	type SecretPlaces,
	variableOf,
} from "./setting-layers.ts";
export {
	agentSocket,
	HOME_VARIABLE,
	linkSocket,
	makeRunFolder,
	metricsAddress,
	modulesOf,
	onOrderCommand,
	readSide,
	runFolder,
	type Side,
	type SideSettings,
	secretsAt,
	secretsOfSide,
} from "./side.ts";
export {
	MAX_AGENT_PROCESSES,
	type ModuleRuns,
	SETTING_KEYS,
	type SettingKey,
	SIDE_FILE,
	SIDE_FILE_SCHEMA,
	type SideFile,
	type SideKind,
} from "./side-file.ts";
export type { SideModule } from "./side-modules.ts";
export { writeSide } from "./write-side.ts";
