import { carrierContract, unixPair } from "./contract.ts";

carrierContract("unix", unixPair);
