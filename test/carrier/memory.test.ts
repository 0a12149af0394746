import { carrierContract, memoryPair } from "./contract.ts";

carrierContract("memory", memoryPair);
