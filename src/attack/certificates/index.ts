export {
	CERTIFICATE_ATTACKS,
	requireForgedChainsWork,
} from "./certificates.ts";
