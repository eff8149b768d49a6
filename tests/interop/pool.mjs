// cognito-pool as the checks see it: its description and its admin API.
import {readFileSync} from 'node:fs';

export class Pool {
  constructor(readyFile) {
    const {admin: admin_url, ...description} = JSON.parse(readFileSync(readyFile, 'utf8'));
    Object.assign(this, description, {admin_url});
  }

  async admin(name, body = {}) {
    const response = await fetch(this.admin_url + name,
                                 {method: 'POST', body: JSON.stringify(body)});
    const answer = await response.json();
    if (!response.ok) throw new Error(`${name}: ${answer.error}`);
    return answer;
  }

  // The pool's TOTP clock, which a test may have moved.
  async totpSeconds() {
    return (await this.admin('clock/advance')).totp_s;
  }

  // The code of the next SMS or e-mail to this user.
  async code(username) {
    const {message} = await this.admin('inbox/next', {username, wait_ms: 30000});
    if (!message) throw new Error(`no message for ${username}`);
    return message.code;
  }

  // Everything as seeded: each check starts alike. A client on a slow machine has time for its SRP answer.
  async reset() {
    await this.admin('reset');
    await this.admin('settings/set', {srp_answer_s: 300});
  }
}
