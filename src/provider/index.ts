export {
	chosenCrypto,
	libraryOf,
	type Providing,
	providing,
} from "./choose.ts";
