// amazon-cognito-identity-js: the client library whose SRP everybody else copied.
import assert from 'node:assert/strict';
import AuthenticationHelper from 'amazon-cognito-identity-js/lib/AuthenticationHelper.js';
import DateHelper from 'amazon-cognito-identity-js/lib/DateHelper.js';
import BigInteger from 'amazon-cognito-identity-js/lib/BigInteger.js';
import {check, refusal} from './checks.mjs';
import {assertTokens, newUser, promised, sendCode, signIn, steps} from './identity_user.mjs';
import {people} from './people.mjs';
import {totp, wrongTotp} from './totp.mjs';
import {createHmac} from 'node:crypto';

// The library's own request and SRP, for EMAIL_OTP, which its sign-in does not know.
async function signInByHand(pool, username, password) {
  const {client} = newUser(pool, username).pool;
  const request = (operation, body) =>
      promised((done) => client.request(operation, {ClientId: pool.client_id, ...body}, done));
  const poolName = pool.user_pool_id.split('_')[1];
  const helper = new AuthenticationHelper.default(poolName);
  const largeA = await promised((done) => helper.getLargeAValue(done));
  const first = await request('InitiateAuth', {
    AuthFlow: 'USER_SRP_AUTH', AuthParameters: {USERNAME: username, SRP_A: largeA.toString(16)}});
  const given = first.ChallengeParameters;
  const key = await promised((done) => helper.getPasswordAuthenticationKey(
      given.USER_ID_FOR_SRP, password, new BigInteger.default(given.SRP_B, 16),
      new BigInteger.default(given.SALT, 16), done));
  const timestamp = new DateHelper.default().getNowString();
  const message = Buffer.concat([
    Buffer.from(poolName), Buffer.from(given.USER_ID_FOR_SRP),
    Buffer.from(given.SECRET_BLOCK, 'base64'), Buffer.from(timestamp)]);
  const second = await request('RespondToAuthChallenge', {
    ChallengeName: 'PASSWORD_VERIFIER', Session: first.Session,
    ChallengeResponses: {
      USERNAME: given.USER_ID_FOR_SRP,
      PASSWORD_CLAIM_SECRET_BLOCK: given.SECRET_BLOCK,
      TIMESTAMP: timestamp,
      PASSWORD_CLAIM_SIGNATURE: createHmac('sha256', key).update(message).digest('base64')}});
  return {request, answer: second};
}

export async function checkIdentityJs(pool) {
  const {alice, bob, carol, dave, erin, oscar} = people;
  const it = async (what, work) => {
    await pool.reset();
    await check(`amazon-cognito-identity-js: ${what}`, work);
  };

  await it('SRP, no second factor', async () => {
    assertTokens(await signIn(newUser(pool, 'erin'), 'erin', erin.password), 'erin');
  });

  await it('SRP many times over (padding of random values)', async () => {
    for (let round = 0; round < 8; ++round) {
      assertTokens(await signIn(newUser(pool, 'erin'), 'erin', erin.password), 'erin');
    }
  });

  await it('SRP and TOTP: wrong code, then right', async () => {
    const user = newUser(pool, 'alice');
    const secret = alice.mfa.totp_secret;
    assert.equal((await signIn(user, 'alice', alice.password)).step, 'SOFTWARE_TOKEN_MFA');
    const error = await refusal(() => sendCode(user, wrongTotp(secret), 'SOFTWARE_TOKEN_MFA'));
    assert.equal(error.code ?? error.name, 'CodeMismatchException');
    assertTokens(await sendCode(user, totp(secret), 'SOFTWARE_TOKEN_MFA'), 'alice');
  });

  await it('a TOTP code works once', async () => {
    const code = totp(alice.mfa.totp_secret);
    const first = newUser(pool, 'alice');
    await signIn(first, 'alice', alice.password);
    assertTokens(await sendCode(first, code, 'SOFTWARE_TOKEN_MFA'), 'alice');
    const second = newUser(pool, 'alice');
    await signIn(second, 'alice', alice.password);
    const error = await refusal(() => sendCode(second, code, 'SOFTWARE_TOKEN_MFA'));
    assert.equal(error.message, 'Your software token has already been used once.');
  });

  await it('SRP and SMS: wrong code, then right', async () => {
    const user = newUser(pool, 'bob');
    const asked = await signIn(user, 'bob', bob.password);
    assert.equal(asked.step, 'SMS_MFA');
    assert.equal(asked.parameters.CODE_DELIVERY_DESTINATION, '+*******4567');
    const error = await refusal(() => sendCode(user, 'nonsense', 'SMS_MFA'));
    assert.equal(error.message, 'Invalid code or auth state for the user.');
    assertTokens(await sendCode(user, await pool.code('bob'), 'SMS_MFA'), 'bob');
  });

  await it('SRP and e-mail, by its requests and its SRP (its sign-in knows no EMAIL_OTP)', async () => {
    const {request, answer} = await signInByHand(pool, 'carol', carol.password);
    assert.equal(answer.ChallengeName, 'EMAIL_OTP');
    const tokens = await request('RespondToAuthChallenge', {
      ChallengeName: 'EMAIL_OTP', Session: answer.Session,
      ChallengeResponses: {USERNAME: 'carol', EMAIL_OTP_CODE: await pool.code('carol')}});
    assert.ok(tokens.AuthenticationResult.AccessToken);
  });

  for (const [factor, type] of [['TOTP', 'SOFTWARE_TOKEN_MFA'], ['SMS', 'SMS_MFA']]) {
    await it(`SRP and a choice of factor: ${factor}`, async () => {
      const user = newUser(pool, 'dave');
      const asked = await signIn(user, 'dave', dave.password);
      assert.equal(asked.step, 'SELECT_MFA_TYPE');
      assert.deepEqual(JSON.parse(asked.parameters.MFAS_CAN_CHOOSE), ['SMS_MFA', 'SOFTWARE_TOKEN_MFA']);
      const chosen = await steps((callbacks) => user.sendMFASelectionAnswer(type, callbacks));
      assert.equal(chosen.step, type);
      const code = factor === 'TOTP' ? totp(dave.mfa.totp_secret) : await pool.code('dave');
      assertTokens(await sendCode(user, code, type), 'dave');
    });
  }

  await it('an alias leads to the real user name', async () => {
    const user = newUser(pool, 'erin@example.com');
    assertTokens(await signIn(user, 'erin@example.com', erin.password), 'erin');
  });

  await it('refused: wrong password, unknown user, disabled user', async () => {
    for (const [username, password, text] of [
      ['erin', 'wrong', 'Incorrect username or password.'],
      ['nobody', 'wrong', 'Incorrect username or password.'],
      ['oscar', oscar.password, 'User is disabled.']]) {
      const error = await refusal(() => signIn(newUser(pool, username), username, password));
      assert.equal(error.code ?? error.name, 'NotAuthorizedException');
      assert.equal(error.message, text);
    }
  });

  await it('locked after five wrong passwords, in again when the lock ends', async () => {
    for (let attempt = 0; attempt < 5; ++attempt) {
      await refusal(() => signIn(newUser(pool, 'erin'), 'erin', 'wrong'));
    }
    // The lock is one second; the library's own SRP may take longer. So the pool's clock goes back.
    await pool.admin('clock/advance', {life_s: -60});
    const error = await refusal(() => signIn(newUser(pool, 'erin'), 'erin', erin.password));
    assert.equal(error.message, 'Password attempts exceeded');
    await pool.admin('clock/advance', {life_s: 61.1});
    assertTokens(await signIn(newUser(pool, 'erin'), 'erin', erin.password), 'erin');
  });

  await it('a session expires', async () => {
    const user = newUser(pool, 'bob');
    await signIn(user, 'bob', bob.password);
    await pool.admin('clock/advance', {life_s: 181});
    const code = await pool.code('bob');
    const error = await refusal(() => sendCode(user, code, 'SMS_MFA'));
    assert.equal(error.message, 'Invalid session for the user, session is expired.');
  });

  await it('ClientMetadata arrives', async () => {
    await signIn(newUser(pool, 'erin'), 'erin', erin.password, {host: 'h1'});
    const {requests} = await pool.admin('log/list', {operation: 'InitiateAuth'});
    assert.equal(requests[0].metadata.host, 'h1');
  });

  await it('enrols TOTP, prefers it, signs in with it', async () => {
    const user = newUser(pool, 'erin');
    assertTokens(await signIn(user, 'erin', erin.password), 'erin');
    const secret = await new Promise((resolve, reject) => user.associateSoftwareToken(
        {associateSecretCode: resolve, onFailure: reject}));
    const wrong = await refusal(() => new Promise((resolve, reject) => user.verifySoftwareToken(
        wrongTotp(secret), 'phone', {onSuccess: resolve, onFailure: reject})));
    assert.equal(wrong.code ?? wrong.name, 'EnableSoftwareTokenMFAException');
    const verified = await new Promise((resolve, reject) => user.verifySoftwareToken(
        totp(secret), 'phone', {onSuccess: resolve, onFailure: reject}));
    assert.equal(verified.Status ?? 'SUCCESS', 'SUCCESS');
    await promised((done) => user.setUserMfaPreference(
        null, {PreferredMfa: true, Enabled: true}, done));
    const data = await promised((done) => user.getUserData(done, {bypassCache: true}));
    assert.equal(data.PreferredMfaSetting, 'SOFTWARE_TOKEN_MFA');
    const again = newUser(pool, 'erin');
    assert.equal((await signIn(again, 'erin', erin.password)).step, 'SOFTWARE_TOKEN_MFA');
    assertTokens(await sendCode(again, totp(secret, Date.now() / 1000 + 30), 'SOFTWARE_TOKEN_MFA'),
                 'erin');
  });

  await it('refreshes its session and signs out everywhere', async () => {
    const user = newUser(pool, 'erin');
    const {value: session} = await signIn(user, 'erin', erin.password);
    const fresh = await promised((done) => user.refreshSession(session.getRefreshToken(), done));
    assert.notEqual(fresh.getAccessToken().getJwtToken(), session.getAccessToken().getJwtToken());
    await new Promise((resolve, reject) => user.globalSignOut(
        {onSuccess: resolve, onFailure: reject}));
    const other = newUser(pool, 'erin');
    const error = await refusal(() => promised(
        (done) => other.refreshSession(session.getRefreshToken(), done)));
    assert.equal(error.message, 'Refresh Token has been revoked');
  });
}
