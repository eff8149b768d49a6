// The people of ../pool/seed-example.json.
import {readFileSync} from 'node:fs';

const seed = JSON.parse(readFileSync(new URL('../pool/seed-example.json', import.meta.url), 'utf8'));

export const people = Object.fromEntries(seed.users.map((user) => [user.username, user]));
export const clients = {
  open: seed.clients[0],
  secret: seed.clients[1],
  legacy: seed.clients[2],
  rotating: seed.clients[3],
};
