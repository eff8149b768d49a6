// node set_up_totp.mjs READY_JSON USER PASSWORD
// Signs in and sets TOTP up as Amplify v5's client does, in MFA_SETUP when the pool asks for that,
// makes it the preferred factor and prints {"secret":"…"}.
import {associate, newUser, prefer, signIn, userData, verify} from './identity_user.mjs';
import {trustedPool} from './ready.mjs';
import {totp} from './totp.mjs';

const [readyFile, username, password] = process.argv.slice(2);
if (!password) {
  console.error('usage: node set_up_totp.mjs READY_JSON USER PASSWORD');
  process.exit(2);
}

async function main() {
  const pool = trustedPool(readyFile);
  const user = newUser(pool, username);
  const {step} = await signIn(user, username, password);
  if (step !== 'tokens' && step !== 'MFA_SETUP') throw new Error(`the pool asks for ${step}`);
  const secret = await associate(user);
  await verify(user, totp(secret, await pool.totpSeconds()));
  await prefer(user, null, {PreferredMfa: true, Enabled: true});
  const data = await userData(user);
  if (data.PreferredMfaSetting !== 'SOFTWARE_TOKEN_MFA') throw new Error('TOTP is not preferred');
  console.log(JSON.stringify({secret}));
}

main().catch((error) => {
  console.error(`${error.code ?? error.name}: ${error.message}`);
  process.exit(1);
});
