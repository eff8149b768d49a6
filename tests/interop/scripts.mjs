// The two scripts that other tests call: they must keep working by themselves.
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {check, refusal} from './checks.mjs';
import {people} from './people.mjs';

// As another test calls it: nothing in the environment says whom to trust.
async function run(script, ...args) {
  const {NODE_EXTRA_CA_CERTS, ...env} = process.env;
  const path = fileURLToPath(new URL(script, import.meta.url));
  const {stdout} = await promisify(execFile)(process.execPath, [path, ...args], {env});
  return JSON.parse(stdout);
}

export async function checkScripts(pool, readyFile) {
  const {alice, erin} = people;
  const it = async (what, work) => {
    await pool.reset();
    await check(`scripts: ${what}`, work);
  };

  for (const mfa_configuration of ['OPTIONAL', 'ON']) {
    await it(`set_up_totp.mjs, then mfa_state.mjs (MFA ${mfa_configuration})`, async () => {
      await pool.admin('settings/set', {mfa_configuration});
      await pool.admin('clock/advance', {totp_s: 3600});
      const {secret} = await run('set_up_totp.mjs', readyFile, 'erin', erin.password);
      const state = await run('mfa_state.mjs', readyFile, 'erin', erin.password, secret);
      assert.deepEqual(state, {enabled: ['SOFTWARE_TOKEN_MFA'], preferred: 'SOFTWARE_TOKEN_MFA'});
    });
  }

  await it('mfa_state.mjs, no factor', async () => {
    const state = await run('mfa_state.mjs', readyFile, 'erin', erin.password);
    assert.deepEqual(state, {enabled: [], preferred: null});
  });

  await it('mfa_state.mjs fails where it cannot sign in', async () => {
    const error = await refusal(() => run('mfa_state.mjs', readyFile, 'alice', alice.password));
    assert.equal(error.code, 1);
    assert.match(error.stderr, /SOFTWARE_TOKEN_MFA/);
  });
}
