export {
	ANSWERS_FILE,
	beingSetUpAs,
	findSide,
	isSide,
} from "./find-side.ts";
export {
	agentSocket,
	type FoundSetting,
	HOME_VARIABLE,
	linkSocket,
	makeRunFolder,
	onOrderCommand,
	readSide,
	runFolder,
	type SecretPlace,
	type SecretPlaces,
	type Side,
	type SideSettings,
	secretsOfSide,
	variableOf,
} from "./side.ts";
export {
	type ModuleRuns,
	SETTING_KEYS,
	type SettingKey,
	SIDE_FILE,
	SIDE_FILE_SCHEMA,
	type SideFile,
	type SideKind,
} from "./side-file.ts";
export { writeSide } from "./write-side.ts";
