export {
	authority,
	type HttpPlace,
	isLoopback,
	listenHttp,
	ownHosts,
} from "./serving.ts";
