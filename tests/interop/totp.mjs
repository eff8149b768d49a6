// RFC 6238 with SHA-1, six digits and steps of 30 seconds.
import {createHmac} from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32Decode(text) {
  let bits = '';
  for (const letter of text.replace(/=+$/, '').toUpperCase()) {
    bits += ALPHABET.indexOf(letter).toString(2).padStart(5, '0');
  }
  const bytes = bits.match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => parseInt(byte, 2)));
}

export function totp(secret, unixSeconds = Date.now() / 1000) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(unixSeconds / 30)));
  const mac = createHmac('sha1', base32Decode(secret)).update(counter).digest();
  const number = mac.readUInt32BE(mac[mac.length - 1] & 15) & 0x7fffffff;
  return String(number % 1000000).padStart(6, '0');
}

// A code that is certainly not valid now.
export function wrongTotp(secret) {
  const now = Date.now() / 1000;
  const valid = [-60, -30, 0, 30, 60].map((offset) => totp(secret, now + offset));
  return ['000000', '111111', '222222', '333333', '444444', '555555']
      .find((code) => !valid.includes(code));
}
