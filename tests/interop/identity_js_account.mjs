// amazon-cognito-identity-js, beyond the sign-in itself: what Amplify v5 does with an account.
import assert from 'node:assert/strict';
import identity from 'amazon-cognito-identity-js';
import {check, refusal} from './checks.mjs';
import {
  assertTokens, associate, newUser, prefer, promised, sendCode, signIn, startCustom, steps, userData,
  userPool, verify,
} from './identity_user.mjs';
import {clients, people} from './people.mjs';
import {totp, wrongTotp} from './totp.mjs';

const {CognitoUserAttribute} = identity;
const NEW_PASSWORD = 'Fresh-Start-9';
const codeOf = (error) => error.code ?? error.name;

function completeNewPassword(user, password, attributes) {
  return steps((callbacks) => user.completeNewPasswordChallenge(password, attributes, callbacks));
}

function answerCustom(user, answer) {
  return steps((callbacks) => user.sendCustomChallengeAnswer(answer, callbacks));
}

function confirmPassword(user, code, password) {
  return steps((callbacks) => user.confirmPassword(code, password, callbacks));
}

async function signedIn(pool, username, password) {
  const user = newUser(pool, username);
  assertTokens(await signIn(user, username, password), username);
  return user;
}

// Auth.setPreferredMFA(user, 'NOMFA'): off with all that the pool lists.
async function preferNone(user) {
  const off = (list, factor) =>
      (list.includes(factor) ? {PreferredMfa: false, Enabled: false} : null);
  const list = (await userData(user)).UserMFASettingList ?? [];
  await prefer(user, off(list, 'SMS_MFA'), off(list, 'SOFTWARE_TOKEN_MFA'));
}

// Auth.getPreferredMFA(user, {bypassCache}).
async function preferred(user, bypassCache = true) {
  const data = await userData(user, bypassCache);
  if (data.PreferredMfaSetting) return data.PreferredMfaSetting;
  if (!data.UserMFASettingList || data.UserMFASettingList.length === 0) return 'NOMFA';
  throw new Error('invalid MFA Type');
}

function signUp(pool, username, attributes) {
  const list = Object.entries(attributes).map(
      ([Name, Value]) => new CognitoUserAttribute({Name, Value}));
  return promised((done) => userPool(pool).signUp(username, NEW_PASSWORD, list, null, done));
}

function confirmSignUp(user, code, force = false) {
  return promised((done) => user.confirmRegistration(code, force, done));
}

export async function checkIdentityJsAccount(pool) {
  const {alice, bob, dave, erin} = people;
  const it = async (what, work) => {
    await pool.reset();
    await check(`amazon-cognito-identity-js: ${what}`, work);
  };
  const temporary = (more = {}) => pool.admin('users/create', {
    username: 'nina', password: 'Temporary-1', status: 'FORCE_CHANGE_PASSWORD', ...more});

  await it('MFA_SETUP: TOTP by session, then a sign-in with it', async () => {
    await pool.admin('settings/set', {mfa_configuration: 'ON'});
    const user = newUser(pool, 'erin');
    assert.equal((await signIn(user, 'erin', erin.password)).step, 'MFA_SETUP');
    const secret = await associate(user);
    const wrong = await refusal(() => verify(user, wrongTotp(secret)));
    assert.equal(codeOf(wrong), 'EnableSoftwareTokenMFAException');
    const code = totp(secret);
    const session = await verify(user, code);
    assert.equal(session.getAccessToken().payload.username, 'erin');
    const again = newUser(pool, 'erin');
    assert.equal((await signIn(again, 'erin', erin.password)).step, 'SOFTWARE_TOKEN_MFA');
    // The code that set it up is used up.
    const used = await refusal(() => sendCode(again, code, 'SOFTWARE_TOKEN_MFA'));
    assert.equal(codeOf(used), 'ExpiredCodeException');
    const {code: next} = await pool.admin('users/totp-code', {username: 'erin', step: 1});
    assertTokens(await sendCode(again, next, 'SOFTWARE_TOKEN_MFA'), 'erin');
  });

  await it('NEW_PASSWORD_REQUIRED with required attributes', async () => {
    await pool.admin('settings/set', {required_attributes: ['email', 'name']});
    await temporary({attributes: {email: 'nina@example.com', email_verified: 'true'}});
    const user = newUser(pool, 'nina');
    const asked = await signIn(user, 'nina', 'Temporary-1');
    assert.equal(asked.step, 'NEW_PASSWORD_REQUIRED');
    assert.equal(asked.value.email, 'nina@example.com');
    assert.deepEqual(asked.parameters, ['name']);
    const missing = await refusal(() => completeNewPassword(user, NEW_PASSWORD, {}));
    assert.equal(codeOf(missing), 'InvalidParameterException');
    const given = await refusal(
        () => completeNewPassword(user, NEW_PASSWORD, {name: 'N', email: 'n@example.com'}));
    assert.equal(given.message, 'Cannot modify an already provided email');
    const weak = await refusal(() => completeNewPassword(user, 'weak', {name: 'N'}));
    assert.match(weak.message, /^Password did not conform with policy: /);
    assertTokens(await completeNewPassword(user, NEW_PASSWORD, {name: 'N'}), 'nina');
    await signedIn(pool, 'nina', NEW_PASSWORD);
  });

  await it('NEW_PASSWORD_REQUIRED, then MFA_SETUP', async () => {
    await pool.admin('settings/set', {mfa_configuration: 'ON'});
    await temporary();
    const user = newUser(pool, 'nina');
    await signIn(user, 'nina', 'Temporary-1');
    assert.equal((await completeNewPassword(user, NEW_PASSWORD, {})).step, 'MFA_SETUP');
    assert.ok((await verify(user, totp(await associate(user)))).isValid());
  });

  await it('a forgotten password', async () => {
    const user = newUser(pool, 'erin');
    const sent = await steps((callbacks) => user.forgotPassword(callbacks));
    assert.equal(sent.step, 'CODE_SENT');
    assert.equal(sent.value.CodeDeliveryDetails.Destination, 'e***@e***');
    const wrong = await refusal(() => confirmPassword(user, '000', NEW_PASSWORD));
    assert.equal(wrong.message, 'Invalid verification code provided, please try again.');
    await confirmPassword(user, await pool.code('erin'), NEW_PASSWORD);
    await signedIn(pool, 'erin', NEW_PASSWORD);
  });

  await it('a reset by an administrator', async () => {
    await pool.admin('users/reset-password', {username: 'erin'});
    const error = await refusal(() => signIn(newUser(pool, 'erin'), 'erin', erin.password));
    assert.equal(codeOf(error), 'PasswordResetRequiredException');
    await confirmPassword(newUser(pool, 'erin'), await pool.code('erin'), NEW_PASSWORD);
    await signedIn(pool, 'erin', NEW_PASSWORD);
  });

  await it('sign-up, a resent code, confirmation', async () => {
    const made = await signUp(pool, 'nina', {email: 'nina@example.com'});
    assert.equal(made.userConfirmed, false);
    assert.equal(made.codeDeliveryDetails.Destination, 'n***@e***');
    const user = newUser(pool, 'nina');
    const early = await refusal(() => signIn(user, 'nina', NEW_PASSWORD));
    assert.equal(codeOf(early), 'UserNotConfirmedException');
    const first = await pool.code('nina');
    await promised((done) => user.resendConfirmationCode(done));
    const second = await pool.code('nina');
    if (first !== second) await refusal(() => confirmSignUp(user, first));
    assert.equal(await confirmSignUp(user, second), 'SUCCESS');
    assertTokens(await signIn(newUser(pool, 'nina@example.com'), 'nina@example.com', NEW_PASSWORD),
                 'nina');
  });

  await it('sign-up with an e-mail that another account has verified', async () => {
    await signUp(pool, 'nina', {email: 'erin@example.com'});
    const user = newUser(pool, 'nina');
    const code = await pool.code('nina');
    const error = await refusal(() => confirmSignUp(user, code));
    assert.equal(codeOf(error), 'AliasExistsException');
    await confirmSignUp(user, code, true);
    // The alias has moved; the earlier account has lost its verified e-mail.
    const attributes = await promised(
        async (done) => (await signedIn(pool, 'erin', erin.password)).getUserAttributes(done));
    assert.equal(attributes.find(({Name}) => Name === 'email_verified').Value, 'false');
    assertTokens(await signIn(newUser(pool, 'erin@example.com'), 'erin@example.com', NEW_PASSWORD),
                 'nina');
  });

  const script = {rounds: [{parameters: {prompt: 'Colour?'}, answer: 'blue'},
                           {parameters: {prompt: 'Animal?'}, answer: 'newt'}], on_wrong: 'retry'};
  await it('custom challenges without SRP', async () => {
    await pool.admin('users/update', {username: 'erin', custom: script});
    const user = newUser(pool, 'erin');
    const asked = await startCustom(user, 'erin');
    assert.equal(asked.parameters.prompt, 'Colour?');
    assert.equal((await answerCustom(user, 'red')).parameters.prompt, 'Colour?');
    assert.equal((await answerCustom(user, 'blue')).parameters.prompt, 'Animal?');
    assertTokens(await answerCustom(user, 'newt'), 'erin');
  });

  await it('custom challenges after SRP', async () => {
    await pool.admin('users/update', {username: 'erin', custom: {...script, on_wrong: 'fail'}});
    const user = newUser(pool, 'erin');
    user.setAuthenticationFlowType('CUSTOM_AUTH');
    const error = await refusal(() => signIn(user, 'erin', 'wrong'));
    assert.equal(error.message, 'Incorrect username or password.');
    assert.equal((await signIn(user, 'erin', erin.password)).step, 'CUSTOM_CHALLENGE');
    assert.equal((await answerCustom(user, 'blue')).step, 'CUSTOM_CHALLENGE');
    assertTokens(await answerCustom(user, 'newt'), 'erin');
  });

  await it('changePassword', async () => {
    const user = await signedIn(pool, 'erin', erin.password);
    const change = (old, fresh) => promised((done) => user.changePassword(old, fresh, done));
    assert.equal(codeOf(await refusal(() => change('wrong', NEW_PASSWORD))),
                 'NotAuthorizedException');
    assert.equal(codeOf(await refusal(() => change(erin.password, 'weak'))),
                 'InvalidPasswordException');
    assert.equal(await change(erin.password, NEW_PASSWORD), 'SUCCESS');
    await signedIn(pool, 'erin', NEW_PASSWORD);
  });

  await it('preferred factor: SMS, TOTP, none', async () => {
    const user = newUser(pool, 'dave');
    await signIn(user, 'dave', dave.password);
    await steps((callbacks) => user.sendMFASelectionAnswer('SOFTWARE_TOKEN_MFA', callbacks));
    assertTokens(await sendCode(user, totp(dave.mfa.totp_secret), 'SOFTWARE_TOKEN_MFA'), 'dave');
    assert.equal((await refusal(() => preferred(user))).message, 'invalid MFA Type');
    const on = {PreferredMfa: true, Enabled: true};
    await prefer(user, on, null);
    assert.equal(await preferred(user), 'SMS_MFA');
    await prefer(user, null, on);
    assert.equal(await preferred(user), 'SOFTWARE_TOKEN_MFA');
    assert.deepEqual((await userData(user)).UserMFASettingList, ['SMS_MFA', 'SOFTWARE_TOKEN_MFA']);
    await preferNone(user);
    assert.equal(await preferred(user), 'NOMFA');
    await signedIn(pool, 'dave', dave.password);
  });

  await it('preferred factor: the cache, and past it', async () => {
    const user = newUser(pool, 'alice');
    await signIn(user, 'alice', alice.password);
    await sendCode(user, totp(alice.mfa.totp_secret), 'SOFTWARE_TOKEN_MFA');
    assert.equal(await preferred(user), 'SOFTWARE_TOKEN_MFA');
    await pool.admin('users/update', {username: 'alice', mfa: {enabled: [], preferred: null}});
    assert.equal(await preferred(user, false), 'SOFTWARE_TOKEN_MFA');
    assert.equal(await preferred(user, true), 'NOMFA');
  });

  await it('preferences that the pool refuses', async () => {
    const user = await signedIn(pool, 'erin', erin.password);
    const off = {PreferredMfa: false, Enabled: false};
    for (const [sms, app, text] of [
      [null, {PreferredMfa: true, Enabled: true},
       'User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA'],
      [{PreferredMfa: true, Enabled: true}, null,
       'User does not have delivery config set to turn on SMS_MFA'],
      [null, off, 'User has not set up software token mfa']]) {
      const error = await refusal(() => prefer(user, sms, app));
      assert.equal(codeOf(error), 'InvalidParameterException');
      assert.equal(error.message, text);
    }
    await associate(user);
    const error = await refusal(() => prefer(user, null, off));
    assert.equal(error.message, 'User has not verified software token mfa');
  });

  await it('a changed e-mail is verified', async () => {
    const user = await signedIn(pool, 'erin', erin.password);
    const fresh = [new CognitoUserAttribute({Name: 'email', Value: 'e2@example.com'})];
    await promised((done) => user.updateAttributes(fresh, done));
    await pool.code('erin');
    await steps((callbacks) => user.getAttributeVerificationCode('email', callbacks));
    const code = await pool.code('erin');
    await steps((callbacks) => user.verifyAttribute('email', code, callbacks));
    assertTokens(await signIn(newUser(pool, 'e2@example.com'), 'e2@example.com', erin.password),
                 'erin');
  });

  await it('a device is remembered, refreshed with, and forgotten', async () => {
    await pool.admin('settings/set', {device_configuration: {}});
    const devices = async () => (await pool.admin('users/get', {username: 'erin'})).devices;
    const user = await signedIn(pool, 'erin', erin.password);
    // The library confirms by itself, with a verifier of its own.
    const [device] = await devices();
    assert.equal(device.key, user.deviceKey);
    assert.ok(device.confirmed && device.remembered);
    const {Device} = await steps((callbacks) => user.getDevice(callbacks)).then(({value}) => value);
    assert.equal(Device.DeviceKey, user.deviceKey);
    const {Devices} = await steps((callbacks) => user.listDevices(10, null, callbacks))
        .then(({value}) => value);
    assert.equal(Devices.length, 1);
    await steps((callbacks) => user.setDeviceStatusNotRemembered(callbacks));
    assert.ok(!(await devices())[0].remembered);
    await steps((callbacks) => user.setDeviceStatusRemembered(callbacks));
    assert.ok((await devices())[0].remembered);

    const token = user.getSignInUserSession().getRefreshToken();
    const fresh = await promised((done) => user.refreshSession(token, done));
    assert.equal(fresh.getAccessToken().payload.device_key, device.key);
    await steps((callbacks) => user.forgetDevice(callbacks));
    assert.deepEqual(await devices(), []);
    const gone = await refusal(() => promised((done) => user.refreshSession(token, done)));
    assert.equal(gone.message, 'Invalid Refresh Token');
  });

  await it('a device that the pool has forgotten: the library goes on without', async () => {
    await pool.admin('settings/set', {device_configuration: {}});
    const first = (await signedIn(pool, 'erin', erin.password)).deviceKey;
    await pool.reset();
    await pool.admin('settings/set', {device_configuration: {}});
    const user = await signedIn(pool, 'erin', erin.password);
    assert.notEqual(user.deviceKey, first);
    await steps((callbacks) => user.forgetDevice(callbacks));
  });

  await it('a device that the person must agree to', async () => {
    await pool.admin('settings/set', {
      device_configuration: {device_only_remembered_on_user_prompt: true}});
    const user = newUser(pool, 'erin');
    const done = await signIn(user, 'erin', erin.password);
    assertTokens(done, 'erin');
    assert.equal(done.parameters, true);
    await steps((callbacks) => user.forgetDevice(callbacks));
  });

  await it('an account with the same e-mail takes the alias', async () => {
    const address = erin.attributes.email;
    assertTokens(await signIn(newUser(pool, address), address, erin.password), 'erin');
    await signUp(pool, 'zoe', {email: address});
    await confirmSignUp(newUser(pool, 'zoe'), await pool.code('zoe'), true);
    assertTokens(await signIn(newUser(pool, address), address, NEW_PASSWORD), 'zoe');
    await refusal(() => signIn(newUser(pool, address), address, erin.password));
    const older = await signedIn(pool, 'erin', erin.password);
    assert.equal(older.getSignInUserSession().getIdToken().payload.email_verified, false);
  });

  await it('validation data reach a PreAuthentication trigger that refuses without', async () => {
    await pool.admin('settings/set', {pre_authentication_requires_metadata: {host: 'h1'}});
    const error = await refusal(() => signIn(newUser(pool, 'erin'), 'erin', erin.password));
    assert.equal(codeOf(error), 'UserLambdaValidationException');
    assert.match(error.message, /^PreAuthentication failed with error .*\.$/);
    assertTokens(await signIn(newUser(pool, 'erin'), 'erin', erin.password, {host: 'h1'}), 'erin');
  });

  await it('a LEGACY client is told that a user does not exist', async () => {
    const legacy = {...pool, client_id: clients.legacy.client_id};
    const error = await refusal(() => signIn(newUser(legacy, 'nobody'), 'nobody', bob.password));
    assert.equal(codeOf(error), 'UserNotFoundException');
  });
}
