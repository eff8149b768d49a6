// node clients.mjs READY.JSON: all checks against a running cognito-pool. Started by run.mjs.
import {finish} from './checks.mjs';
import {checkAmplify} from './amplify_v6.mjs';
import {checkIdentityJs} from './identity_js.mjs';
import {checkIdentityJsAccount} from './identity_js_account.mjs';
import {checkSdk} from './aws_sdk.mjs';
import {checkSdkAccount} from './aws_sdk_account.mjs';
import {checkScripts} from './scripts.mjs';
import {checkTokens} from './jwt_verify.mjs';
import {Pool} from './pool.mjs';

const pool = new Pool(process.argv[2]);
await checkIdentityJs(pool);
await checkIdentityJsAccount(pool);
await checkAmplify(pool);
await checkSdk(pool);
await checkSdkAccount(pool);
await checkTokens(pool);
await checkScripts(pool, process.argv[2]);
process.exit(finish());
