// For scripts that are called by hand or by other tests: the pool of a ready.json, trusted.
import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {Pool} from './pool.mjs';

// Node reads NODE_EXTRA_CA_CERTS only at its start: the script starts itself again with it.
export function trustedPool(readyFile) {
  const {ca_file} = JSON.parse(readFileSync(readyFile, 'utf8'));
  if (process.env.NODE_EXTRA_CA_CERTS === ca_file) return new Pool(readyFile);
  const again = spawnSync(process.execPath, process.argv.slice(1), {
    stdio: 'inherit', env: {...process.env, NODE_EXTRA_CA_CERTS: ca_file}});
  process.exit(again.status ?? 1);
}
