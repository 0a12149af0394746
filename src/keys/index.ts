export {
	generateSoftwareKey,
	readSoftwareKey,
	type SoftwareKey,
	writeSoftwareKey,
} from "./software.ts";
