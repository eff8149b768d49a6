// node run.mjs COGNITO_POOL_EXECUTABLE
// Starts a cognito-pool and lets two clients that this project did not write sign in to it.
// The checks run in a child, because Node reads NODE_EXTRA_CA_CERTS only at its start.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync, watch} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const START_TIMEOUT_MS = 60_000;
const here = dirname(fileURLToPath(import.meta.url));
const executable = process.argv[2];
if (!executable) {
  console.error('usage: node run.mjs COGNITO_POOL_EXECUTABLE');
  process.exit(2);
}

function fileAppears(directory, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('cognito-pool did not start')), START_TIMEOUT_MS);
    const watcher = watch(directory, () => look());
    function look() {
      if (!existsSync(join(directory, name))) return;
      clearTimeout(timer);
      watcher.close();
      resolve();
    }
    look();
  });
}

const state = mkdtempSync(join(tmpdir(), 'interop-pool-'));
const pool = spawn(executable, ['--state', state, '--seed', join(here, '../pool/seed-example.json')],
                   {stdio: ['ignore', 'inherit', 'inherit']});
let status = 1;
try {
  await Promise.race([
    fileAppears(state, 'ready.json'),
    once(pool, 'error').then(([error]) => { throw error; }),
    once(pool, 'exit').then(() => { throw new Error('cognito-pool ended early'); })]);
  const checks = spawn(process.execPath, [join(here, 'clients.mjs'), join(state, 'ready.json')], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {...process.env, NODE_EXTRA_CA_CERTS: join(state, 'ca.pem')}});
  [status] = await once(checks, 'exit');
} catch (error) {
  console.error(error.message);
} finally {
  if (pool.exitCode === null && pool.pid) {
    const ended = once(pool, 'exit');
    pool.kill('SIGTERM');
    await ended;
  }
  rmSync(state, {recursive: true, force: true});
}
process.exit(status ?? 1);
