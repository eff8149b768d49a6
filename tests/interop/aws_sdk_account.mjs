// @aws-sdk/client-cognito-identity-provider: the operations around a sign-in, as AWS's own code
// reads their answers.
import assert from 'node:assert/strict';
import {
  AliasExistsException, AssociateSoftwareTokenCommand, ChangePasswordCommand, ConfirmDeviceCommand,
  ConfirmForgotPasswordCommand, ConfirmSignUpCommand, ExpiredCodeException, DeviceKeyExistsException,
  ForgetDeviceCommand, ForgotPasswordCommand, GetTokensFromRefreshTokenCommand, ListDevicesCommand,
  GetUserAttributeVerificationCodeCommand, InvalidPasswordException, LimitExceededException,
  PasswordHistoryPolicyViolationException, PasswordResetRequiredException,
  ResendConfirmationCodeCommand, SetUserMFAPreferenceCommand, SignUpCommand,
  TooManyFailedAttemptsException, UpdateUserAttributesCommand, UserLambdaValidationException,
  UsernameExistsException, VerifySoftwareTokenCommand, VerifyUserAttributeCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {SdkSignIn} from './aws_sdk.mjs';
import {check, refusal} from './checks.mjs';
import {clients, people} from './people.mjs';
import {totp} from './totp.mjs';

const NEW_PASSWORD = 'Fresh-Start-9';

export async function checkSdkAccount(pool) {
  const {erin} = people;
  const ClientId = clients.open.client_id;
  const it = async (what, work) => {
    await pool.reset();
    await check(`@aws-sdk/client-cognito-identity-provider: ${what}`,
                () => work(new SdkSignIn(pool)));
  };
  const send = (sdk, Command, body) => sdk.sdk.send(new Command(body));
  const accessToken = async (sdk) =>
      (await sdk.srp('erin', erin.password)).AuthenticationResult.AccessToken;

  await it('MFA_SETUP by session', async (sdk) => {
    await pool.admin('settings/set', {mfa_configuration: 'ON'});
    const asked = await sdk.srp('erin', erin.password);
    assert.equal(asked.ChallengeName, 'MFA_SETUP');
    const first = await send(sdk, AssociateSoftwareTokenCommand, {Session: asked.Session});
    const second = await send(sdk, VerifySoftwareTokenCommand, {
      Session: first.Session, UserCode: totp(first.SecretCode), FriendlyDeviceName: 'erin@host'});
    assert.equal(second.Status, 'SUCCESS');
    const done = await sdk.respond({...asked, Session: second.Session}, 'MFA_SETUP', {});
    assert.ok(done.AuthenticationResult.AccessToken);
    // Each session was good for one step.
    const again = await refusal(
        () => send(sdk, AssociateSoftwareTokenCommand, {Session: asked.Session}));
    assert.match(again.message, /session can only be used once/);
  });

  await it('NEW_PASSWORD_REQUIRED with history and the client\'s WriteAttributes', async (sdk) => {
    await pool.admin('settings/set', {password_history: 2});
    await pool.admin('clients/set', {client_id: ClientId, write_attributes: ['name']});
    await pool.admin('users/create', {
      username: 'nina', password: 'Temporary-1', status: 'FORCE_CHANGE_PASSWORD'});
    const asked = await sdk.srp('nina', 'Temporary-1');
    const answer = (NEW_PASSWORD_, more = {}) => sdk.respond(
        asked, 'NEW_PASSWORD_REQUIRED', {NEW_PASSWORD: NEW_PASSWORD_, ...more});
    assert.ok(await refusal(() => answer('Temporary-1'))
              instanceof PasswordHistoryPolicyViolationException);
    const foreign = await refusal(() => answer(NEW_PASSWORD, {'userAttributes.nickname': 'n'}));
    assert.equal(foreign.message, 'A client attempted to write unauthorized attribute');
    const done = await answer(NEW_PASSWORD, {'userAttributes.name': 'N'});
    assert.ok(done.AuthenticationResult);
  });

  await it('devices: ConfirmDevice, a refresh with the key, ForgetDevice', async (sdk) => {
    await pool.admin('settings/set', {
      device_configuration: {challenge_required_on_new_device: true}});
    const {AuthenticationResult: tokens} = await sdk.srp('erin', erin.password);
    const {AccessToken, RefreshToken, NewDeviceMetadata: {DeviceKey, DeviceGroupKey}} = tokens;
    assert.match(DeviceKey, /^[\w-]+_[0-9a-f-]+$/);
    assert.ok(DeviceGroupKey);
    const refresh = (more) => send(sdk, GetTokensFromRefreshTokenCommand,
                                   {ClientId, RefreshToken, ...more});
    const verifier = (byte, size) => Buffer.alloc(size, byte).toString('base64');
    const confirm = (Salt) => send(sdk, ConfirmDeviceCommand, {
      AccessToken, DeviceKey, DeviceName: 'sdk',
      DeviceSecretVerifierConfig: {PasswordVerifier: verifier(0x41, 384), Salt}});
    assert.equal((await refusal(() => confirm(verifier(0xff, 16)))).name,
                 'InvalidParameterException');
    assert.equal((await confirm(verifier(0x41, 16))).UserConfirmationNecessary, false);
    assert.ok(await refusal(() => confirm(verifier(0x41, 16))) instanceof DeviceKeyExistsException);
    assert.equal((await refusal(() => refresh({}))).message, 'Invalid Refresh Token');
    const fresh = (await refresh({DeviceKey})).AuthenticationResult;
    assert.equal(fresh.NewDeviceMetadata, undefined);
    const {Devices: [device]} = await send(sdk, ListDevicesCommand, {AccessToken});
    assert.equal(device.DeviceKey, DeviceKey);
    assert.ok(device.DeviceCreateDate instanceof Date);
    await send(sdk, ForgetDeviceCommand, {AccessToken, DeviceKey});
    assert.equal((await refusal(() => refresh({DeviceKey}))).message, 'Invalid Refresh Token');
  });

  await it('what ends refreshes', async (sdk) => {
    for (const [call, name] of [['users/disable', 'NotAuthorizedException'],
                                ['users/sign-out', 'NotAuthorizedException'],
                                ['users/reset-password', 'NotAuthorizedException'],
                                ['users/delete', 'UserNotFoundException']]) {
      await pool.reset();
      const {AuthenticationResult: {RefreshToken}} = await sdk.srp('erin', erin.password);
      const refresh = () => send(sdk, GetTokensFromRefreshTokenCommand, {ClientId, RefreshToken});
      await refresh();
      await pool.admin(call, {username: 'erin'});
      assert.equal((await refusal(refresh)).name, name);
    }
  });

  await it('an expired temporary password', async (sdk) => {
    await pool.admin('users/create', {
      username: 'nina', password: 'Temporary-1', status: 'FORCE_CHANGE_PASSWORD'});
    await pool.admin('clock/advance', {life_s: 7 * 24 * 3600 + 60});
    const error = await refusal(() => sdk.srp('nina', 'Temporary-1'));
    assert.equal(error.message,
                 'Temporary password has expired and must be reset by an administrator.');
  });

  await it('reset codes: limits, expiry, policy', async (sdk) => {
    await pool.admin('users/reset-password', {username: 'erin'});
    assert.ok(await refusal(() => sdk.srp('erin', erin.password))
              instanceof PasswordResetRequiredException);
    const Username = 'erin';
    const confirm = (ConfirmationCode, Password) => send(
        sdk, ConfirmForgotPasswordCommand, {ClientId, Username, ConfirmationCode, Password});
    const old = await pool.code('erin');
    await pool.admin('clock/advance', {life_s: 3601});
    assert.ok(await refusal(() => confirm(old, NEW_PASSWORD)) instanceof ExpiredCodeException);
    await send(sdk, ForgotPasswordCommand, {ClientId, Username});
    const code = await pool.code('erin');
    assert.ok(await refusal(() => confirm(code, 'weak')) instanceof InvalidPasswordException);
    await pool.admin('settings/set', {wrong_codes_limit: 1});
    await refusal(() => confirm('000', NEW_PASSWORD));
    assert.ok(await refusal(() => confirm(code, NEW_PASSWORD))
              instanceof TooManyFailedAttemptsException);
    for (let i = 0; i < 4; ++i) await send(sdk, ForgotPasswordCommand, {ClientId, Username});
    assert.ok(await refusal(() => send(sdk, ForgotPasswordCommand, {ClientId, Username}))
              instanceof LimitExceededException);
  });

  await it('sign-up, twice with one address', async (sdk) => {
    const signUp = (Username, email) => send(sdk, SignUpCommand, {
      ClientId, Username, Password: NEW_PASSWORD, UserAttributes: [{Name: 'email', Value: email}]});
    assert.ok(await refusal(() => signUp('erin', 'x@example.com'))
              instanceof UsernameExistsException);
    const made = await signUp('nina', 'erin@example.com');
    assert.equal(made.UserConfirmed, false);
    await pool.code('nina');
    await send(sdk, ResendConfirmationCodeCommand, {ClientId, Username: 'nina'});
    const confirm = {ClientId, Username: 'nina', ConfirmationCode: await pool.code('nina')};
    assert.ok(await refusal(() => send(sdk, ConfirmSignUpCommand, confirm))
              instanceof AliasExistsException);
    await send(sdk, ConfirmSignUpCommand, {...confirm, ForceAliasCreation: true});
    assert.ok((await sdk.srp('erin@example.com', NEW_PASSWORD)).AuthenticationResult);
  });

  await it('attributes and their codes', async (sdk) => {
    const AccessToken = await accessToken(sdk);
    const {CodeDeliveryDetailsList: sent} = await send(sdk, UpdateUserAttributesCommand, {
      AccessToken, UserAttributes: [{Name: 'phone_number', Value: '+15550007777'}]});
    assert.equal(sent[0].DeliveryMedium, 'SMS');
    await pool.code('erin');
    const AttributeName = 'phone_number';
    await send(sdk, GetUserAttributeVerificationCodeCommand, {AccessToken, AttributeName});
    await send(sdk, VerifyUserAttributeCommand,
               {AccessToken, AttributeName, Code: await pool.code('erin')});
    assert.ok((await sdk.srp('+15550007777', erin.password)).AuthenticationResult);
  });

  await it('preferences: off and preferred at once', async (sdk) => {
    const AccessToken = await accessToken(sdk);
    const error = await refusal(() => send(sdk, SetUserMFAPreferenceCommand, {
      AccessToken, EmailMfaSettings: {Enabled: false, PreferredMfa: true}}));
    assert.equal(error.name, 'InvalidParameterException');
  });

  await it('ChangePassword up to its limit', async (sdk) => {
    const AccessToken = await accessToken(sdk);
    const change = (PreviousPassword) => send(
        sdk, ChangePasswordCommand, {AccessToken, PreviousPassword, ProposedPassword: NEW_PASSWORD});
    for (let i = 0; i < 5; ++i) await refusal(() => change('wrong'));
    assert.ok(await refusal(() => change(erin.password)) instanceof LimitExceededException);
  });

  await it('refused by a trigger, and by threat protection', async (sdk) => {
    await pool.admin('users/update', {username: 'erin', pre_authentication_refusal: 'not today'});
    const trigger = await refusal(() => sdk.srp('erin', erin.password));
    assert.ok(trigger instanceof UserLambdaValidationException);
    assert.equal(trigger.message, 'PreAuthentication failed with error not today.');
    await pool.admin('users/update',
                     {username: 'erin', pre_authentication_refusal: '', blocked_by_risk: true});
    const risk = await refusal(() => sdk.srp('erin', erin.password));
    assert.equal(risk.name, 'NotAuthorizedException');
    assert.equal(risk.message, 'Unable to login because of security reasons.');
  });
}
