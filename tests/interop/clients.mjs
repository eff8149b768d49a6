// node clients.mjs READY.JSON: all checks against a running cognito-pool. Started by run.mjs.
import {finish} from './checks.mjs';
import {checkIdentityJs} from './identity_js.mjs';
import {checkSdk} from './aws_sdk.mjs';
import {checkTokens} from './jwt_verify.mjs';
import {Pool} from './pool.mjs';

const pool = new Pool(process.argv[2]);
await checkIdentityJs(pool);
await checkSdk(pool);
await checkTokens(pool);
process.exit(finish());
