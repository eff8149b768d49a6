// @aws-amplify/auth 6: Amplify's own next steps, against the pool. In Node its tokens live in
// memory.
import assert from 'node:assert/strict';
import {webcrypto} from 'node:crypto';
import {Amplify} from '@aws-amplify/core';
import {
  confirmResetPassword, confirmSignIn, confirmSignUp, fetchMFAPreference, resendSignUpCode,
  resetPassword, setUpTOTP, signIn, signOut, signUp, updateMFAPreference, updatePassword,
  verifyTOTPSetup,
} from '@aws-amplify/auth';
import {cognitoUserPoolsTokenProvider} from '@aws-amplify/auth/cognito';
import {check, refusal} from './checks.mjs';
import {people} from './people.mjs';
import {totp, wrongTotp} from './totp.mjs';

const NEW_PASSWORD = 'Fresh-Start-9';

function configure(pool) {
  globalThis.crypto ??= webcrypto;  // Node 18 does not offer it by itself.
  const Cognito = {userPoolId: pool.user_pool_id, userPoolClientId: pool.client_id,
                   userPoolEndpoint: pool.endpoint};
  cognitoUserPoolsTokenProvider.setAuthConfig({Cognito});
  Amplify.configure({Auth: {Cognito}}, {Auth: {tokenProvider: cognitoUserPoolsTokenProvider}});
}

const stepOf = (result) => result.nextStep.signInStep;

async function answer(challengeResponse, options) {
  return confirmSignIn({challengeResponse, options});
}

export async function checkAmplify(pool) {
  const {alice, dave, erin} = people;
  configure(pool);
  const it = async (what, work) => {
    await pool.reset();
    await check(`@aws-amplify/auth: ${what}`, work);
    await signOut();
  };
  const start = (username, password, options) => signIn({username, password, options});

  await it('SRP, no second factor', async () => {
    assert.equal(stepOf(await start('erin', erin.password)), 'DONE');
  });

  for (const preferredChallenge of ['PASSWORD_SRP', 'PASSWORD']) {
    await it(`USER_AUTH, ${preferredChallenge} preferred`, async () => {
      await pool.admin('clients/set', {client_id: pool.client_id,
                                       explicit_auth_flows: ['ALLOW_USER_AUTH']});
      const options = {authFlowType: 'USER_AUTH', preferredChallenge};
      assert.equal(stepOf(await start('erin', erin.password, options)), 'DONE');
      await signOut();
      const error = await refusal(() => start('erin', 'wrong', options));
      assert.equal(error.name, 'NotAuthorizedException');
    });
  }

  await it('USER_AUTH, the person chooses', async () => {
    await pool.admin('clients/set', {client_id: pool.client_id,
                                     explicit_auth_flows: ['ALLOW_USER_AUTH']});
    const asked = await start('erin', undefined, {authFlowType: 'USER_AUTH'});
    assert.equal(stepOf(asked), 'CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION');
    assert.equal(stepOf(await answer('PASSWORD_SRP')), 'CONFIRM_SIGN_IN_WITH_PASSWORD');
    assert.equal(stepOf(await answer(erin.password)), 'DONE');
  });

  await it('TOTP: wrong code, then right', async () => {
    assert.equal(stepOf(await start('alice', alice.password)), 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
    const error = await refusal(() => answer(wrongTotp(alice.mfa.totp_secret)));
    assert.equal(error.name, 'CodeMismatchException');
    assert.equal(stepOf(await answer(totp(alice.mfa.totp_secret))), 'DONE');
  });

  for (const [name, step] of [['bob', 'CONFIRM_SIGN_IN_WITH_SMS_CODE'],
                              ['carol', 'CONFIRM_SIGN_IN_WITH_EMAIL_CODE']]) {
    await it(step, async () => {
      const asked = await start(name, people[name].password);
      assert.equal(stepOf(asked), step);
      assert.ok(asked.nextStep.codeDeliveryDetails.destination);
      assert.equal(stepOf(await answer(await pool.code(name))), 'DONE');
    });
  }

  await it('CONTINUE_SIGN_IN_WITH_MFA_SELECTION', async () => {
    const asked = await start('dave', dave.password);
    assert.equal(stepOf(asked), 'CONTINUE_SIGN_IN_WITH_MFA_SELECTION');
    assert.deepEqual(asked.nextStep.allowedMFATypes, ['SMS', 'TOTP']);
    assert.equal(stepOf(await answer('TOTP')), 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
    assert.equal(stepOf(await answer(totp(dave.mfa.totp_secret))), 'DONE');
  });

  await it('CONTINUE_SIGN_IN_WITH_TOTP_SETUP', async () => {
    await pool.admin('settings/set',
                     {mfa_configuration: 'ON', mfas_can_setup: ['SOFTWARE_TOKEN_MFA']});
    const asked = await start('erin', erin.password);
    assert.equal(stepOf(asked), 'CONTINUE_SIGN_IN_WITH_TOTP_SETUP');
    const secret = asked.nextStep.totpSetupDetails.sharedSecret;
    assert.equal((await refusal(() => answer(wrongTotp(secret)))).name,
                 'EnableSoftwareTokenMFAException');
    assert.equal(stepOf(await answer(totp(secret))), 'DONE');
    await signOut();
    assert.equal(stepOf(await start('erin', erin.password)), 'CONFIRM_SIGN_IN_WITH_TOTP_CODE');
  });

  await it('CONTINUE_SIGN_IN_WITH_MFA_SETUP_SELECTION, then e-mail', async () => {
    await pool.admin('settings/set', {mfa_configuration: 'ON'});
    const asked = await start('erin', erin.password);
    assert.equal(stepOf(asked), 'CONTINUE_SIGN_IN_WITH_MFA_SETUP_SELECTION');
    assert.deepEqual([...asked.nextStep.allowedMFATypes].sort(), ['EMAIL', 'TOTP']);
    assert.equal(stepOf(await answer('EMAIL')), 'CONTINUE_SIGN_IN_WITH_EMAIL_SETUP');
    assert.equal(stepOf(await answer('new@example.com')), 'CONFIRM_SIGN_IN_WITH_EMAIL_CODE');
    assert.equal(stepOf(await answer(await pool.code('erin'))), 'DONE');
    assert.deepEqual((await fetchMFAPreference()).enabled, ['EMAIL']);
  });

  await it('CONTINUE_SIGN_IN_WITH_EMAIL_SETUP', async () => {
    await pool.admin('settings/set', {mfa_configuration: 'ON', mfas_can_setup: ['EMAIL_OTP']});
    assert.equal(stepOf(await start('erin', erin.password)), 'CONTINUE_SIGN_IN_WITH_EMAIL_SETUP');
    assert.equal(stepOf(await answer('new@example.com')), 'CONFIRM_SIGN_IN_WITH_EMAIL_CODE');
    assert.equal(stepOf(await answer(await pool.code('erin'))), 'DONE');
  });

  await it('nothing that could be set up: SMS alone', async () => {
    await pool.admin('settings/set', {mfa_configuration: 'ON', mfas_can_setup: ['SMS_MFA']});
    const error = await refusal(() => start('erin', erin.password));
    assert.match(error.message, /Cannot initiate MFA setup/);
  });

  await it('CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED', async () => {
    await pool.admin('settings/set', {required_attributes: ['name']});
    await pool.admin('users/create', {
      username: 'nina', password: 'Temporary-1', status: 'FORCE_CHANGE_PASSWORD'});
    const asked = await start('nina', 'Temporary-1');
    assert.equal(stepOf(asked), 'CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED');
    assert.deepEqual(asked.nextStep.missingAttributes, ['name']);
    const weak = await refusal(() => answer('weak', {userAttributes: {name: 'N'}}));
    assert.equal(weak.name, 'InvalidPasswordException');
    assert.equal(stepOf(await answer(NEW_PASSWORD, {userAttributes: {name: 'N'}})), 'DONE');
  });

  for (const authFlowType of ['CUSTOM_WITHOUT_SRP', 'CUSTOM_WITH_SRP']) {
    await it(`CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE, ${authFlowType}`, async () => {
      const rounds = [{parameters: {prompt: 'Colour?'}, answer: 'blue'},
                      {parameters: {prompt: 'Animal?'}, answer: 'newt'}];
      await pool.admin('users/update', {username: 'erin', custom: {rounds}});
      const password = authFlowType === 'CUSTOM_WITH_SRP' ? erin.password : undefined;
      const asked = await start('erin', password, {authFlowType});
      assert.equal(stepOf(asked), 'CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE');
      assert.equal(asked.nextStep.additionalInfo.prompt, 'Colour?');
      assert.equal((await answer('blue')).nextStep.additionalInfo.prompt, 'Animal?');
      assert.equal(stepOf(await answer('newt')), 'DONE');
    });
  }

  await it('RESET_PASSWORD', async () => {
    await pool.admin('users/reset-password', {username: 'erin'});
    assert.equal(stepOf(await start('erin', erin.password)), 'RESET_PASSWORD');
    const {nextStep} = await resetPassword({username: 'erin'});
    assert.equal(nextStep.resetPasswordStep, 'CONFIRM_RESET_PASSWORD_WITH_CODE');
    await pool.code('erin');
    await confirmResetPassword({username: 'erin', newPassword: NEW_PASSWORD,
                                confirmationCode: await pool.code('erin')});
    assert.equal(stepOf(await start('erin', NEW_PASSWORD)), 'DONE');
  });

  await it('a user from a CSV file', async () => {
    await pool.admin('users/update', {username: 'erin', imported: true});
    const error = await refusal(() => start('erin', erin.password));
    assert.equal(error.name, 'InvalidParameterException');
    await pool.admin('clients/set', {client_id: pool.client_id,
                                     prevent_user_existence_errors: 'LEGACY'});
    await pool.admin('settings/set', {imported_users: 'guide'});
    assert.equal(stepOf(await start('erin', erin.password)), 'RESET_PASSWORD');
  });

  await it('CONFIRM_SIGN_UP', async () => {
    const made = await signUp({username: 'nina', password: NEW_PASSWORD,
                               options: {userAttributes: {email: 'nina@example.com'}}});
    assert.equal(made.nextStep.signUpStep, 'CONFIRM_SIGN_UP');
    assert.equal(stepOf(await start('nina', NEW_PASSWORD)), 'CONFIRM_SIGN_UP');
    await pool.code('nina');
    assert.equal((await resendSignUpCode({username: 'nina'})).attributeName, 'email');
    await confirmSignUp({username: 'nina', confirmationCode: await pool.code('nina')});
    assert.equal(stepOf(await start('nina', NEW_PASSWORD)), 'DONE');
  });

  await it('setUpTOTP, verifyTOTPSetup, and each preference', async () => {
    await start('erin', erin.password);
    assert.deepEqual(await fetchMFAPreference(), {enabled: undefined, preferred: undefined});
    const {sharedSecret} = await setUpTOTP();
    const wrong = await refusal(() => verifyTOTPSetup({code: wrongTotp(sharedSecret)}));
    assert.equal(wrong.name, 'EnableSoftwareTokenMFAException');
    await verifyTOTPSetup({code: totp(sharedSecret)});
    await updateMFAPreference({totp: 'PREFERRED', email: 'ENABLED'});
    assert.deepEqual(await fetchMFAPreference(), {enabled: ['TOTP', 'EMAIL'], preferred: 'TOTP'});
    await updateMFAPreference({totp: 'NOT_PREFERRED'});
    const after = await fetchMFAPreference();
    assert.deepEqual([...after.enabled].sort(), ['EMAIL', 'TOTP']);
    assert.equal(after.preferred, undefined);
    await updateMFAPreference({email: 'PREFERRED', totp: 'DISABLED'});
    assert.deepEqual(await fetchMFAPreference(), {enabled: ['EMAIL'], preferred: 'EMAIL'});
    // The first example of Amplify's page, for a user who has no number.
    await updateMFAPreference({totp: 'PREFERRED', sms: 'DISABLED'});
    assert.equal((await fetchMFAPreference()).preferred, 'TOTP');
    const sms = await refusal(() => updateMFAPreference({sms: 'ENABLED'}));
    assert.equal(sms.name, 'InvalidParameterException');
  });

  await it('updatePassword', async () => {
    await start('erin', erin.password);
    const wrong = await refusal(
        () => updatePassword({oldPassword: 'wrong', newPassword: NEW_PASSWORD}));
    assert.equal(wrong.name, 'NotAuthorizedException');
    await updatePassword({oldPassword: erin.password, newPassword: NEW_PASSWORD});
    await signOut();
    assert.equal(stepOf(await start('erin', NEW_PASSWORD)), 'DONE');
  });

  await it('clientMetadata reach a PreAuthentication trigger', async () => {
    await pool.admin('settings/set', {pre_authentication_requires_metadata: {host: 'h1'}});
    const error = await refusal(() => start('erin', erin.password));
    assert.equal(error.name, 'UserLambdaValidationException');
    const done = await start('erin', erin.password, {clientMetadata: {host: 'h1'}});
    assert.equal(stepOf(done), 'DONE');
  });
}
