// node mfa_state.mjs READY_JSON USER PASSWORD [TOTP_SECRET]
// Signs in as Amplify v5's client does and prints, as one JSON line, how that client sees the
// user's second factors: {"enabled":[…],"preferred":"…" or null}.
import {newUser, sendCode, signIn, userData} from './identity_user.mjs';
import {trustedPool} from './ready.mjs';
import {totp} from './totp.mjs';

const STEP_S = 30;
const [readyFile, username, password, secret] = process.argv.slice(2);
if (!password) {
  console.error('usage: node mfa_state.mjs READY_JSON USER PASSWORD [TOTP_SECRET]');
  process.exit(2);
}

// A code of this step may have been used already; the next one and the last one count too.
async function sendTotp(pool, user) {
  const now = await pool.totpSeconds();
  for (const offset of [0, STEP_S, -STEP_S]) {
    try {
      return await sendCode(user, totp(secret, now + offset), 'SOFTWARE_TOKEN_MFA');
    } catch (error) {
      if ((error.code ?? error.name) !== 'ExpiredCodeException') throw error;
    }
  }
  throw new Error('all codes that count now were used already');
}

async function main() {
  const pool = trustedPool(readyFile);
  const user = newUser(pool, username);
  let result = await signIn(user, username, password);
  if (result.step === 'SOFTWARE_TOKEN_MFA' && secret) result = await sendTotp(pool, user);
  if (result.step !== 'tokens') throw new Error(`the pool asks for ${result.step}`);
  const data = await userData(user);
  console.log(JSON.stringify(
      {enabled: data.UserMFASettingList ?? [], preferred: data.PreferredMfaSetting ?? null}));
}

main().catch((error) => {
  console.error(`${error.code ?? error.name}: ${error.message}`);
  process.exit(1);
});
