// node cognito_local.mjs
// Starts the cognito-local fixture and checks that it is what cognitod's test may rely on:
// password, then a real TOTP check, then tokens that verify against its key set.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {setTimeout as later} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {createPublicKey, verify} from 'node:crypto';
import {
  CognitoIdentityProviderClient, InitiateAuthCommand, RespondToAuthChallengeCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {check, finish, refusal} from './checks.mjs';
import {totp, wrongTotp} from './totp.mjs';

const START_TIMEOUT_MS = 120_000;
const state = mkdtempSync(join(tmpdir(), 'interop-local-'));
const here = dirname(fileURLToPath(import.meta.url));
const fixture = spawn(process.execPath, [join(here, 'cognito-local-fixture.mjs'), state],
                      {stdio: ['ignore', 'inherit', 'inherit']});

async function description() {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!existsSync(join(state, 'ready.json'))) {
    if (fixture.exitCode !== null || Date.now() > deadline) throw new Error('no ready.json');
    await later(50);
  }
  return JSON.parse(readFileSync(join(state, 'ready.json'), 'utf8'));
}

await check('cognito-local: password and TOTP, tokens by its key set', async () => {
  const pool = await description();
  const sdk = new CognitoIdentityProviderClient({
    region: 'local', endpoint: pool.endpoint, maxAttempts: 1,
    credentials: {accessKeyId: 'local', secretAccessKey: 'local'}});
  const initiate = (PASSWORD) => sdk.send(new InitiateAuthCommand({
    AuthFlow: 'USER_PASSWORD_AUTH', ClientId: pool.client_id,
    AuthParameters: {USERNAME: pool.username, PASSWORD}}));
  await refusal(() => initiate('wrong'));
  const asked = await initiate(pool.password);
  assert.equal(asked.ChallengeName, 'SOFTWARE_TOKEN_MFA');
  const respond = (SOFTWARE_TOKEN_MFA_CODE) => sdk.send(new RespondToAuthChallengeCommand({
    ChallengeName: 'SOFTWARE_TOKEN_MFA', ClientId: pool.client_id, Session: asked.Session,
    ChallengeResponses: {USERNAME: pool.username, SOFTWARE_TOKEN_MFA_CODE}}));
  assert.equal((await refusal(() => respond(wrongTotp(pool.totp_secret)))).name,
               'CodeMismatchException');
  const {AuthenticationResult: tokens} = await respond(totp(pool.totp_secret));

  const {keys} = await (await fetch(pool.jwks_uri)).json();
  for (const jwt of [tokens.IdToken, tokens.AccessToken]) {
    const [head, body, signature] = jwt.split('.');
    const {kid} = JSON.parse(Buffer.from(head, 'base64url'));
    const key = createPublicKey({key: keys.find((entry) => entry.kid === kid), format: 'jwk'});
    assert.ok(verify('RSA-SHA256', Buffer.from(`${head}.${body}`), key,
                     Buffer.from(signature, 'base64url')));
    const claims = JSON.parse(Buffer.from(body, 'base64url'));
    assert.equal(claims.iss, pool.issuer);
    assert.equal(claims.username ?? claims['cognito:username'], pool.username);
    assert.deepEqual(claims['cognito:groups'], [pool.group]);
  }
});

await check('cognito-local: ends on SIGTERM', async () => {
  const ended = once(fixture, 'exit');
  fixture.kill('SIGTERM');
  assert.equal((await ended)[0], 0);
  assert.ok(!existsSync(join(state, 'ready.json')));
});
rmSync(state, {recursive: true, force: true});
process.exit(finish());
