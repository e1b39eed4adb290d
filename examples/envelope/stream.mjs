// Encrypts or decrypts what is piped in, of any length, in little memory:
//
//   node stream.mjs encrypt < quotes.csv > quotes.msg
//   node stream.mjs decrypt < quotes.msg > quotes.csv
//
//   MASTER_KEY_FILE   default ./master.key, made by `goldkey create-key --local --master-key ./master.key`
import { pipeline } from 'node:stream/promises';
import { envelope } from 'goldkey/envelope';
import { localCipher } from 'goldkey/local';

const sealed = envelope({
  cipher: localCipher({
    masterKeyFile: process.env.MASTER_KEY_FILE ?? './master.key',
    encryptionContext: { service: 'gold-data-stream' },
  }),
  signed: false,
});
const stream = process.argv[2] === 'decrypt' ? sealed.decryptStream() : sealed.encryptStream();
await pipeline(process.stdin, stream, process.stdout);
