/*
 * Golden bytes of the documents of money, made by another program from docs/money.md. What stands
 * after "#" in a line says what the line is.
 */
import { bytesOf } from "./documents.ts";

/** What is signed of a note: the place of the signature, the length of the body, and its fields with their lengths. */
export const NOTE_TO_SIGN: Uint8Array = bytesOf(`
	7465747261642f31204e4f00 # "tetrad/1 NO" 00
	00000128 # length
	00000034 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d00000000c # issuer
	62616e6b2e6578616d706c65
	00000020 c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1 # issuerCertificate
	00000003 455552 # currency
	00000002 0201 # kind
	00000008 0000000000002710 # value
	00000008 0000019e830e1a00 # issued
	00000008 0000019e88347600 # expires
	0000002d 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d000000005 # holder
	616c696365
	00000042 0104686bb6642ab397c73d3f22a3a2f09bfa00e92d84b1209d1d3aa16d477b1572ee98b77aec4f5b # holderKey
	2ad06661f9baef9a5eb97e3a11a60ec962edd4e7879a0c13672f
	00000020 5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e # serial
`);

export const NOTE_ID: Uint8Array = bytesOf(
	"203e23cfa173e0a19c6b4ddcff03893d24fc3ffce3fc9e8fa356cebe12b677d2",
);

/** What is signed of a transfer: the place of the signature, the length of the body, and its fields with their lengths. */
export const TRANSFER_TO_SIGN: Uint8Array = bytesOf(`
	7465747261642f3120545200 # "tetrad/1 TR" 00
	0000017b # length
	0000002d 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d000000005 # payer
	616c696365
	0000002b 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d000000003 # payee
	626f62
	00000034 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d00000000c # issuer
	62616e6b2e6578616d706c65
	00000003 455552 # currency
	00000008 00000000000004e2 # amount
	00000020 c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0 # contract
	00000020 b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1 # binding
	00000020 f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0 # parties
	00000060 1111111111111111111111111111111111111111111111111111111111111111 # pieces
	0000000000000000
	00000000000003e8
	2222222222222222222222222222222222222222222222222222222222222222
	0000000000002616
	00000000000000fa
`);

export const TRANSFER_ID: Uint8Array = bytesOf(
	"35b60f9418970186f2fe09a0efb7f8e5f03a5fba5bffe85bdbcfe362081b7450",
);

/** What is signed of a receipt: the place of the signature, the length of the body, and its fields with their lengths. */
export const RECEIPT_TO_SIGN: Uint8Array = bytesOf(`
	7465747261642f3120524500 # "tetrad/1 RE" 00
	0000008f # length
	00000020 c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0 # contract
	00000020 35b60f9418970186f2fe09a0efb7f8e5f03a5fba5bffe85bdbcfe362081b7450 # transfer
	0000002b 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d000000003 # payee
	626f62
	00000008 00000000000004e2 # amount
	00000008 0000019e830e1a00 # accepted
`);

/** The same for one that quotes a head. */
export const HEADED_RECEIPT_TO_SIGN: Uint8Array = bytesOf(`
	7465747261642f3120524500 # "tetrad/1 RE" 00
	000000bb # length
	00000020 c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0 # contract
	00000020 35b60f9418970186f2fe09a0efb7f8e5f03a5fba5bffe85bdbcfe362081b7450 # transfer
	0000002b 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d000000003 # payee
	626f62
	00000008 00000000000004e2 # amount
	00000008 0000019e830e1a00 # accepted
	00000028 0102030405060708 4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e # head
`);

/** What is signed of an order: the place of the signature, the length of the body, and its fields with their lengths. */
export const ORDER_TO_SIGN: Uint8Array = bytesOf(`
	7465747261642f31204f5700 # "tetrad/1 OW" 00
	00000095 # length
	0000002d 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d000000005 # purse
	616c696365
	00000010 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a # request
	00000034 00000020d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d00000000c # issuer
	62616e6b2e6578616d706c65
	00000008 00000000000004e2 # amount
	00000008 0000019e830e1a00 # ordered
`);

export const NOTE_SIGNATURE: Uint8Array = bytesOf(`
	8cddd8d2d347ef64277974a65d4f51040a4c49fcce1d941482a7e8d53017d0bd
	5c54ba78a0ac9662da434a647f9884cbd7291433fb6b8e83359811b06dd48002
`);

export const TRANSFER_SIGNATURE: Uint8Array = bytesOf(`
	8f20e509044466dfc9d4c6be7c88aa546701d09c92bd7a12968cc3814533c92d
	3eaea10a2347e2bade718ebf73033582f79e582e85446808f2c17825f6657979
`);

/** Under a key of 32 bytes 0x4b. */
/** What a transfer of a sale has at its end. */
export const SALE_FIELD: Uint8Array = bytesOf(`
	00000004 73616c65 # purpose
`);

export const INVOICE_TAG: Uint8Array = bytesOf(
	"b46b9827292270b9e884e35b65a7fa8e362e83d1b169cbe3bd6577cf25055262",
);

/** Of the agents agent-a and agent-b and the modules alice and bob. */
export const PARTIES_HASH: Uint8Array = bytesOf(
	"8324c302a45455db79525eab2c6bd8a365eaf664346cffd60ee4c753119e5db8",
);

/** Of the request of 16 bytes 0x0a, into notes and into the account. */
export const EXCHANGE_CONTRACTS: readonly Uint8Array[] = [
	bytesOf("d0878beb1aca87ca6876c6785feb9c04006fdd7d906206851ebeec3df9440afd"),
	bytesOf("265c729bdc133dc49005319629052069485ae8743a1e1a0eeb15fbfce11f17a9"),
];

/** After the changes "first" and "second" of a new purse. */
export const SECOND_HEAD: Uint8Array = bytesOf(`
	00000008 0000000000000002
	00000020 bb6ff39a362f0b6b08b5a4fa77c8e50327ee3f7bffa58cbf449ba1dd0f53e8cd
`);
