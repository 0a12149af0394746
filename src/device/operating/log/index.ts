export {
	LOG_LIMITS,
	LogFile,
	type LogLimits,
	MAX_LOG_BYTES,
	MAX_LOG_FILES,
	MIN_LOG_BYTES,
} from "./log-file.ts";
