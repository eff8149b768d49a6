// aws-jwt-verify judges the tokens: real ones, and those that the pool forges on demand.
import assert from 'node:assert/strict';
import {JwtRsaVerifier} from 'aws-jwt-verify';
import {validateCognitoJwtFields} from 'aws-jwt-verify/cognito-verifier';
import {check, refusal} from './checks.mjs';
import {people} from './people.mjs';
import {SdkSignIn} from './aws_sdk.mjs';

// Its Cognito verifier knows AWS's issuers only: here its general one, plus its Cognito checks.
function verifier(pool, use) {
  const options = {
    issuer: pool.issuer, jwksUri: pool.jwks_uri, audience: use === 'id' ? pool.client_id : null,
    customJwtCheck: ({payload}) =>
        validateCognitoJwtFields(payload, {tokenUse: use, clientId: pool.client_id})};
  return JwtRsaVerifier.create(options);
}

export async function checkTokens(pool) {
  const {erin} = people;
  const it = async (what, work) => {
    await pool.reset();
    await check(`aws-jwt-verify: ${what}`, work);
  };
  const tokens = async () => (await new SdkSignIn(pool).srp('erin', erin.password)).AuthenticationResult;
  const verify = async (result) => ({
    id: await verifier(pool, 'id').verify(result.IdToken),
    access: await verifier(pool, 'access').verify(result.AccessToken)});

  await it('accepts both tokens, signed by two keys', async () => {
    const result = await tokens();
    const {id, access} = await verify(result);
    assert.equal(id['cognito:username'], 'erin');
    assert.equal(access.username, 'erin');
    assert.equal(id.sub, access.sub);
    assert.deepEqual(access['cognito:groups'], ['linux-users']);
    const kid = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url')).kid;
    assert.notEqual(kid(result.IdToken), kid(result.AccessToken));
  });

  await it('follows a rotation of the keys', async () => {
    const before = await tokens();
    await pool.admin('keys/rotate', {keep_old: true});
    await verify(before);
    await verify(await tokens());
    await pool.admin('keys/rotate', {keep_old: false});
    await refusal(() => verify(before));
    await verify(await tokens());
  });

  for (const forgery of ['alg_none', 'hs256', 'other_kid', 'wrong_key', 'bad_signature', 'expired',
                         'wrong_client', 'other_issuer', 'swapped']) {
    await it(`refuses what the pool forges: ${forgery}`, async () => {
      await pool.admin('faults/add', {on: 'PASSWORD_VERIFIER', kind: 'forged_tokens', forgery});
      const result = await tokens();
      await refusal(() => verifier(pool, 'id').verify(result.IdToken));
      await refusal(() => verifier(pool, 'access').verify(result.AccessToken));
    });
  }
}
