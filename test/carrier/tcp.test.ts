import { carrierContract, tcpPair } from "./contract.ts";

carrierContract("tcp", tcpPair);
