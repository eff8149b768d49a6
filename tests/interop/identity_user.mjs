// amazon-cognito-identity-js (the client inside Amplify v5) with promises instead of callbacks.
import assert from 'node:assert/strict';
import identity from 'amazon-cognito-identity-js';

const {AuthenticationDetails, CognitoUser, CognitoUserPool} = identity;

export function userPool(pool, clientId = pool.client_id) {
  return new CognitoUserPool(
      {UserPoolId: pool.user_pool_id, ClientId: clientId, endpoint: pool.endpoint});
}

export function newUser(pool, username) {
  return new CognitoUser({Username: username, Pool: userPool(pool)});
}

// The library's callbacks as one promise of {step, value, parameters}.
export function steps(start) {
  return new Promise((resolve, reject) => {
    const next = (step) => (value, parameters) => resolve({step, value, parameters});
    start({
      onSuccess: next('tokens'),
      onFailure: reject,
      mfaRequired: next('SMS_MFA'),
      totpRequired: next('SOFTWARE_TOKEN_MFA'),
      selectMFAType: next('SELECT_MFA_TYPE'),
      mfaSetup: next('MFA_SETUP'),
      newPasswordRequired: next('NEW_PASSWORD_REQUIRED'),
      customChallenge: (parameters) => resolve({step: 'CUSTOM_CHALLENGE', parameters}),
      inputVerificationCode: next('CODE_SENT'),
      associateSecretCode: next('SECRET'),
    });
  });
}

// A Node callback of the library as a promise.
export function promised(start) {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}

export function signIn(user, username, password, metadata) {
  const details = new AuthenticationDetails(
      {Username: username, Password: password, ClientMetadata: metadata});
  return steps((callbacks) => user.authenticateUser(details, callbacks));
}

// CUSTOM_AUTH without SRP.
export function startCustom(user, username) {
  user.setAuthenticationFlowType('CUSTOM_AUTH');
  const details = new AuthenticationDetails({Username: username});
  return steps((callbacks) => user.initiateAuth(details, callbacks));
}

export function sendCode(user, code, type) {
  return steps((callbacks) => user.sendMFACode(code, callbacks, type));
}

export async function associate(user) {
  return (await steps((callbacks) => user.associateSoftwareToken(callbacks))).value;
}

// During MFA_SETUP: a session of tokens; else what VerifySoftwareToken answered.
export async function verify(user, code, name = 'My TOTP device') {
  return (await steps((callbacks) => user.verifySoftwareToken(code, name, callbacks))).value;
}

export function prefer(user, sms, totp) {
  return promised((done) => user.setUserMfaPreference(sms, totp, done));
}

export function userData(user, bypassCache = true) {
  return promised((done) => user.getUserData(done, {bypassCache}));
}

export function assertTokens(result, username) {
  assert.equal(result.step, 'tokens');
  assert.equal(result.value.getAccessToken().payload.username, username);
  assert.equal(result.value.getIdToken().payload['cognito:username'], username);
  assert.ok(result.value.isValid());
}
