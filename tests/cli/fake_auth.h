#pragma once

namespace pamcognito::test {

// A daemon that plays org.pamcognito.Auth1 with fixed answers: the caller's uid decides what it
// may, as in the real one. alice has the password "right" and the code 123456; each change of her
// factors begins with them, and her new app's code is 654321. Serves until it is killed; returns
// only on a failure. Meant for a Child, after a PrivateBus. `ready` is written to when the name is
// owned.
int serve_fake_auth(int ready, bool is_configured);

}  // namespace pamcognito::test
