// @aws-sdk/client-cognito-identity-provider: the wire as AWS's own code speaks it. It has no SRP;
// the proof comes from amazon-cognito-identity-js.
import assert from 'node:assert/strict';
import {createHmac} from 'node:crypto';
import {
  AssociateSoftwareTokenCommand, CognitoIdentityProviderClient, GetTokensFromRefreshTokenCommand,
  GetUserCommand, InitiateAuthCommand, NotAuthorizedException, RespondToAuthChallengeCommand,
  RevokeTokenCommand, SetUserMFAPreferenceCommand, TooManyRequestsException, UserNotFoundException,
  VerifySoftwareTokenCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import AuthenticationHelper from 'amazon-cognito-identity-js/lib/AuthenticationHelper.js';
import BigInteger from 'amazon-cognito-identity-js/lib/BigInteger.js';
import DateHelper from 'amazon-cognito-identity-js/lib/DateHelper.js';
import {check, refusal} from './checks.mjs';
import {clients, people} from './people.mjs';
import {totp, wrongTotp} from './totp.mjs';

const promised = (start) => new Promise((resolve, reject) => {
  start((error, value) => (error ? reject(error) : resolve(value)));
});

export class SdkSignIn {
  constructor(pool, client = clients.open) {
    this.pool = pool;
    this.client = client;
    this.sdk = new CognitoIdentityProviderClient({
      region: pool.region, endpoint: pool.endpoint, maxAttempts: 1,
      credentials: {accessKeyId: 'unused', secretAccessKey: 'unused'}});
  }

  // SECRET_HASH for a client that has a secret.
  withHash(values) {
    if (!this.client.client_secret) return values;
    const hash = createHmac('sha256', this.client.client_secret)
        .update(values.USERNAME + this.client.client_id).digest('base64');
    return {...values, SECRET_HASH: hash};
  }

  initiate(flow, parameters) {
    return this.sdk.send(new InitiateAuthCommand({
      AuthFlow: flow, ClientId: this.client.client_id, AuthParameters: parameters}));
  }

  async respond(previous, name, responses) {
    const parameters = previous.ChallengeParameters ?? {};
    const USERNAME = parameters.USER_ID_FOR_SRP ?? parameters.USERNAME;
    return this.sdk.send(new RespondToAuthChallengeCommand({
      ChallengeName: name, ClientId: this.client.client_id, Session: previous.Session,
      ChallengeResponses: this.withHash({USERNAME, ...responses})}));
  }

  async srp(username, password) {
    const poolName = this.pool.user_pool_id.split('_')[1];
    const helper = new AuthenticationHelper.default(poolName);
    const largeA = await promised((done) => helper.getLargeAValue(done));
    const first = await this.initiate('USER_SRP_AUTH', this.withHash(
        {USERNAME: username, SRP_A: largeA.toString(16)}));
    assert.equal(first.ChallengeName, 'PASSWORD_VERIFIER');
    const given = first.ChallengeParameters;
    const key = await promised((done) => helper.getPasswordAuthenticationKey(
        given.USER_ID_FOR_SRP, password, new BigInteger.default(given.SRP_B, 16),
        new BigInteger.default(given.SALT, 16), done));
    const timestamp = new DateHelper.default().getNowString();
    const message = Buffer.concat([
      Buffer.from(poolName), Buffer.from(given.USER_ID_FOR_SRP),
      Buffer.from(given.SECRET_BLOCK, 'base64'), Buffer.from(timestamp)]);
    return this.respond(first, 'PASSWORD_VERIFIER', {
      PASSWORD_CLAIM_SECRET_BLOCK: given.SECRET_BLOCK, TIMESTAMP: timestamp,
      PASSWORD_CLAIM_SIGNATURE: createHmac('sha256', key).update(message).digest('base64')});
  }
}

export async function checkSdk(pool) {
  const {alice, bob, carol, dave, erin, oscar} = people;
  const it = async (what, work) => {
    await pool.reset();
    await check(`@aws-sdk/client-cognito-identity-provider: ${what}`, work);
  };
  const open = () => new SdkSignIn(pool);

  await it('SRP and TOTP: wrong code, then right', async () => {
    const sdk = open();
    const asked = await sdk.srp('alice', alice.password);
    assert.equal(asked.ChallengeName, 'SOFTWARE_TOKEN_MFA');
    const secret = alice.mfa.totp_secret;
    const error = await refusal(() => sdk.respond(
        asked, 'SOFTWARE_TOKEN_MFA', {SOFTWARE_TOKEN_MFA_CODE: wrongTotp(secret)}));
    assert.equal(error.name, 'CodeMismatchException');
    assert.ok(error.$metadata.requestId);
    const done = await sdk.respond(
        asked, 'SOFTWARE_TOKEN_MFA', {SOFTWARE_TOKEN_MFA_CODE: totp(secret)});
    assert.equal(done.AuthenticationResult.TokenType, 'Bearer');
    assert.equal(done.AuthenticationResult.ExpiresIn, 3600);
    const replay = await refusal(() => sdk.respond(
        asked, 'SOFTWARE_TOKEN_MFA', {SOFTWARE_TOKEN_MFA_CODE: totp(secret)}));
    assert.equal(replay.message, 'Invalid session for the user, session can only be used once.');
  });

  for (const [name, challenge, member] of [['bob', 'SMS_MFA', 'SMS_MFA_CODE'],
                                           ['carol', 'EMAIL_OTP', 'EMAIL_OTP_CODE']]) {
    await it(`SRP and ${challenge}: wrong code, then right`, async () => {
      const sdk = open();
      const asked = await sdk.srp(name, people[name].password);
      assert.equal(asked.ChallengeName, challenge);
      const error = await refusal(() => sdk.respond(asked, challenge, {[member]: 'nonsense'}));
      assert.equal(error.name, 'CodeMismatchException');
      const done = await sdk.respond(asked, challenge, {[member]: await pool.code(name)});
      assert.ok(done.AuthenticationResult.IdToken);
    });
  }

  await it('SRP and a choice of factor', async () => {
    const sdk = open();
    const asked = await sdk.srp('dave', dave.password);
    assert.equal(asked.ChallengeName, 'SELECT_MFA_TYPE');
    const chosen = await sdk.respond(asked, 'SELECT_MFA_TYPE', {ANSWER: 'SOFTWARE_TOKEN_MFA'});
    assert.equal(chosen.ChallengeName, 'SOFTWARE_TOKEN_MFA');
    const done = await sdk.respond(chosen, 'SOFTWARE_TOKEN_MFA',
                                   {SOFTWARE_TOKEN_MFA_CODE: totp(dave.mfa.totp_secret)});
    assert.ok(done.AuthenticationResult.AccessToken);
  });

  await it('an app client with a secret', async () => {
    const sdk = new SdkSignIn(pool, clients.secret);
    const {AuthenticationResult: tokens} = await sdk.srp('erin', erin.password);
    const refreshed = await sdk.sdk.send(new GetTokensFromRefreshTokenCommand({
      ClientId: clients.secret.client_id, ClientSecret: clients.secret.client_secret,
      RefreshToken: tokens.RefreshToken}));
    assert.ok(refreshed.AuthenticationResult.AccessToken);
    const error = await refusal(() => sdk.initiate(
        'USER_PASSWORD_AUTH', {USERNAME: 'erin', PASSWORD: erin.password}));
    assert.match(error.message, /SECRET_HASH was not received/);
  });

  await it('the password flow, and a client that does not allow it', async () => {
    const legacy = new SdkSignIn(pool, clients.legacy);
    const done = await legacy.initiate('USER_PASSWORD_AUTH',
                                       {USERNAME: 'erin', PASSWORD: erin.password});
    assert.ok(done.AuthenticationResult.AccessToken);
    const error = await refusal(() => open().initiate(
        'USER_PASSWORD_AUTH', {USERNAME: 'erin', PASSWORD: erin.password}));
    assert.equal(error.message, 'USER_PASSWORD_AUTH flow not enabled for this client');
  });

  await it('refused: wrong password, unknown user both ways, disabled user', async () => {
    const wrong = await refusal(() => open().srp('erin', 'wrong'));
    assert.ok(wrong instanceof NotAuthorizedException);
    const hidden = await refusal(() => open().srp('nobody', 'wrong'));
    assert.equal(hidden.message, wrong.message);
    const told = await refusal(() => new SdkSignIn(pool, clients.legacy).srp('nobody', 'wrong'));
    assert.ok(told instanceof UserNotFoundException);
    const disabled = await refusal(() => open().srp('oscar', oscar.password));
    assert.equal(disabled.message, 'User is disabled.');
  });

  await it('locked after five wrong codes', async () => {
    const sdk = open();
    const asked = await sdk.srp('bob', bob.password);
    for (let attempt = 0; attempt < 5; ++attempt) {
      await refusal(() => sdk.respond(asked, 'SMS_MFA', {SMS_MFA_CODE: 'nonsense'}));
    }
    // The lock is one second; SRP may take longer. So the pool's clock goes back.
    await pool.admin('clock/advance', {life_s: -60});
    const error = await refusal(() => sdk.srp('bob', bob.password));
    assert.equal(error.message, 'Password attempts exceeded');
  });

  await it('rotating refresh tokens, revocation, GetUser', async () => {
    const sdk = new SdkSignIn(pool, clients.rotating);
    const {AuthenticationResult: tokens} = await sdk.srp('erin', erin.password);
    const ClientId = clients.rotating.client_id;
    const refresh = (RefreshToken) => sdk.sdk.send(
        new GetTokensFromRefreshTokenCommand({ClientId, RefreshToken}));
    const next = (await refresh(tokens.RefreshToken)).AuthenticationResult;
    assert.notEqual(next.RefreshToken, tokens.RefreshToken);
    const reuse = await refusal(() => refresh(tokens.RefreshToken));
    assert.equal(reuse.name, 'RefreshTokenReuseException');
    const user = await sdk.sdk.send(new GetUserCommand({AccessToken: next.AccessToken}));
    assert.equal(user.Username, 'erin');
    await sdk.sdk.send(new RevokeTokenCommand({ClientId, Token: next.RefreshToken}));
    const revoked = await refusal(() => sdk.sdk.send(
        new GetUserCommand({AccessToken: next.AccessToken})));
    assert.equal(revoked.message, 'Access Token has been revoked');
  });

  await it('enrolment and preference', async () => {
    const sdk = open();
    const {AuthenticationResult: {AccessToken}} = await sdk.srp('erin', erin.password);
    const {SecretCode} = await sdk.sdk.send(new AssociateSoftwareTokenCommand({AccessToken}));
    const {Status} = await sdk.sdk.send(new VerifySoftwareTokenCommand(
        {AccessToken, UserCode: totp(SecretCode), FriendlyDeviceName: 'phone'}));
    assert.equal(Status, 'SUCCESS');
    await sdk.sdk.send(new SetUserMFAPreferenceCommand(
        {AccessToken, SoftwareTokenMfaSettings: {Enabled: true, PreferredMfa: true}}));
    const user = await sdk.sdk.send(new GetUserCommand({AccessToken}));
    assert.deepEqual(user.UserMFASettingList, ['SOFTWARE_TOKEN_MFA']);
    assert.equal((await sdk.srp('erin', erin.password)).ChallengeName, 'SOFTWARE_TOKEN_MFA');
  });

  await it('a throttled call', async () => {
    await pool.admin('faults/add', {on: 'InitiateAuth', kind: 'throttle'});
    const error = await refusal(() => open().srp('erin', erin.password));
    assert.ok(error instanceof TooManyRequestsException);
    assert.ok((await open().srp('erin', erin.password)).AuthenticationResult);
  });
}
