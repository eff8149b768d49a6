// node cognito-local-fixture.mjs DIR
// Runs cognito-local, a user pool that this project did not write, with one user who has a password,
// an authenticator app and a group, and one (`plain_username`) who has no app: it forgets refresh
// tokens that come after a challenge. Writes DIR/ready.json when it can be used; SIGTERM ends it.
// cognito-local speaks plain HTTP on loopback and has no SRP: sign in with USER_PASSWORD_AUTH.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createServer} from 'node:net';
import {join, resolve} from 'node:path';
import {setTimeout as later} from 'node:timers/promises';
import {
  AdminAddUserToGroupCommand, AdminCreateUserCommand, AdminSetUserPasswordCommand,
  AssociateSoftwareTokenCommand, CognitoIdentityProviderClient, CreateGroupCommand,
  CreateUserPoolClientCommand, CreateUserPoolCommand, GetUserCommand, InitiateAuthCommand,
  SetUserPoolMfaConfigCommand, VerifySoftwareTokenCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {totp} from './totp.mjs';

const USER = 'lena';
const PLAIN_USER = 'nora';
const PASSWORD = 'Local-Emulator-9';
const GROUP = 'linux-users';
const START_ATTEMPTS = 600;  // a tenth of a second each

const directory = process.argv[2] && resolve(process.argv[2]);
if (!directory) {
  console.error('usage: node cognito-local-fixture.mjs DIR');
  process.exit(2);
}

// cognito-local writes its port into the issuer, so the port must be known before it starts.
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function startEmulator(port) {
  const script = createRequire(import.meta.url).resolve('cognito-local/lib/bin/start.js');
  // It keeps its data in `.cognito` under its working directory.
  return spawn(process.execPath, [script], {
    cwd: directory, stdio: ['ignore', 'ignore', 'inherit'],
    env: {...process.env, HOST: '127.0.0.1', PORT: String(port)}});
}

async function answers(endpoint, emulator) {
  for (let attempt = 0; attempt < START_ATTEMPTS; ++attempt) {
    if (emulator.exitCode !== null) throw new Error('cognito-local ended early');
    try {
      await fetch(`${endpoint}health`);
      return;
    } catch {
      await later(100);
    }
  }
  throw new Error('cognito-local does not answer');
}

async function seed(endpoint) {
  const sdk = new CognitoIdentityProviderClient({
    region: 'local', endpoint, credentials: {accessKeyId: 'local', secretAccessKey: 'local'}});
  const send = (command) => sdk.send(command);
  // Without this list cognito-local wants e-mail addresses as user names.
  const {UserPool} = await send(new CreateUserPoolCommand(
      {PoolName: 'interop', UsernameAttributes: ['phone_number']}));
  const UserPoolId = UserPool.Id;
  const {UserPoolClient} = await send(new CreateUserPoolClientCommand({
    UserPoolId, ClientName: 'interop',
    ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']}));
  const ClientId = UserPoolClient.ClientId;
  await send(new SetUserPoolMfaConfigCommand({
    UserPoolId, MfaConfiguration: 'OPTIONAL', SoftwareTokenMfaConfiguration: {Enabled: true}}));
  await send(new CreateGroupCommand({UserPoolId, GroupName: GROUP}));
  for (const Username of [USER, PLAIN_USER]) {
    await send(new AdminCreateUserCommand({
      UserPoolId, Username, TemporaryPassword: PASSWORD, MessageAction: 'SUPPRESS',
      UserAttributes: [{Name: 'email', Value: `${Username}@example.com`},
                       {Name: 'email_verified', Value: 'true'}]}));
    await send(new AdminSetUserPasswordCommand(
        {UserPoolId, Username, Password: PASSWORD, Permanent: true}));
    await send(new AdminAddUserToGroupCommand({UserPoolId, Username, GroupName: GROUP}));
  }

  const {AuthenticationResult: {AccessToken}} = await send(new InitiateAuthCommand({
    AuthFlow: 'USER_PASSWORD_AUTH', ClientId,
    AuthParameters: {USERNAME: USER, PASSWORD}}));
  const {SecretCode} = await send(new AssociateSoftwareTokenCommand({AccessToken}));
  await send(new VerifySoftwareTokenCommand(
      {AccessToken, UserCode: totp(SecretCode), FriendlyDeviceName: 'fixture'}));
  const user = await send(new GetUserCommand({AccessToken}));
  if (!user.UserMFASettingList?.includes('SOFTWARE_TOKEN_MFA')) {
    throw new Error('cognito-local did not switch the authenticator on');
  }
  const issuer = `${endpoint}${UserPoolId}`;
  return {endpoint, region: UserPoolId.split('_')[0], user_pool_id: UserPoolId,
          client_id: ClientId, issuer, jwks_uri: `${issuer}/.well-known/jwks.json`,
          username: USER, plain_username: PLAIN_USER, password: PASSWORD, totp_secret: SecretCode, group: GROUP,
          pid: process.pid};
}

mkdirSync(directory, {recursive: true});
const ready = join(directory, 'ready.json');
rmSync(ready, {force: true});
rmSync(join(directory, '.cognito'), {recursive: true, force: true});

const port = await freePort();
const emulator = startEmulator(port);
let ending = false;
function end() {
  ending = true;
  rmSync(ready, {force: true});
  emulator.kill('SIGTERM');
}
process.on('SIGTERM', end);
process.on('SIGINT', end);
emulator.on('exit', (code) => {
  rmSync(ready, {force: true});
  process.exit(ending ? 0 : code || 1);
});

try {
  const endpoint = `http://127.0.0.1:${port}/`;
  await answers(endpoint, emulator);
  const description = await seed(endpoint);
  writeFileSync(`${ready}.new`, `${JSON.stringify(description, null, 1)}\n`);
  renameSync(`${ready}.new`, ready);
} catch (error) {
  console.error(`cognito-local-fixture: ${error.message}`);
  emulator.kill('SIGTERM');
  process.exitCode = 1;
}
