#include <json/json.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/stage.h"
#include "tests/unit/cognito/certificates.h"

// The daemon against a user pool that this project did not write: cognito-local (npm). It has no
// SRP, so the password goes over loopback as it is; its TOTP, its tokens and its key set are its
// own.
namespace pamcognito::test {
namespace {

constexpr char kState[] = "/run/cognito-local";
constexpr char kAuthority[] = "/run/authority.pem";  // nobody's: cognito-local speaks plain HTTP

Json::Value fixture;
Child fixture_process;
std::unique_ptr<Cognitod> cognitod;

std::string totp_code() {
  const std::string command = "oathtool --totp --base32 " + fixture["totp_secret"].asString();
  std::array<char, 16> code{};
  FILE* pipe = ::popen(command.c_str(), "r");
  assert_non_null(pipe);
  assert_non_null(std::fgets(code.data(), code.size(), pipe));
  assert_int_equal(::pclose(pipe), 0);
  return std::string(code.data(), 6);
}

std::string configuration(const std::string& auth_flow) {
  const std::string id = fixture["user_pool_id"].asString();
  return "[pool]\nregion = local\nuser_pool_id = " + id +
         "\nclient_id = " + fixture["client_id"].asString() +
         "\nendpoint = " + fixture["endpoint"].asString() +
         "\nissuer = " + fixture["issuer"].asString() +
         "\njwks_uri = " + fixture["jwks_uri"].asString() + "\nca_file = " + kAuthority +
         "\nauth_flow = " + auth_flow +
         "\n[access]\nallow_groups = " + fixture["group"].asString() + "\n[mfa]\nenroll = never\n";
}

int sign_in(const std::string& password, const std::string& code) {
  Person person;
  person.answers = {password, code};
  Transaction transaction(fixture["username"].asCString(), &person);
  const int result = transaction.authenticate();
  return result == PAM_SUCCESS ? transaction.account() : result;
}

void assert_code(int actual, int expected) {
  assert_string_equal(code_name(actual), code_name(expected));
}

void password_and_totp(void**) {
  cognitod.reset();
  cognitod = std::make_unique<Cognitod>(configuration("password"));
  assert_code(sign_in(fixture["password"].asString(), totp_code()), PAM_SUCCESS);
}

void a_wrong_password(void**) {
  cognitod.reset();
  cognitod = std::make_unique<Cognitod>(configuration("password"));
  assert_code(sign_in("not the password", totp_code()), PAM_AUTH_ERR);
}

void a_wrong_code(void**) {
  cognitod.reset();
  cognitod = std::make_unique<Cognitod>(configuration("password"));
  assert_code(sign_in(fixture["password"].asString(), "000000"), PAM_CONV_ERR);  // asked again
}

void a_pool_without_srp(void**) {
  cognitod.reset();
  cognitod = std::make_unique<Cognitod>(configuration("srp"));
  assert_code(sign_in(fixture["password"].asString(), totp_code()), PAM_AUTH_ERR);
}

int stop_fixture(void**) {
  cognitod.reset();
  fixture_process.signal(SIGTERM);  // it ends cognito-local with itself
  (void)fixture_process.wait();
  return 0;
}

int start_fixture(void**) {
  (void)::mkdir(kState, 0755);
  write_file(kAuthority, make_authority("nobody").pem());
  fixture_process = Child([] {
    (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);  // which ends cognito-local too
    ::execlp("node", "node", PAM_COGNITO_TEST_FIXTURE, kState, nullptr);
    return 127;
  });
  const std::string ready = std::string(kState) + "/ready.json";
  constexpr int tries = 6000;
  for (int i = 0; i < tries && ::access(ready.c_str(), R_OK) != 0; ++i) (void)::usleep(10'000);
  if (::access(ready.c_str(), R_OK) != 0) {
    (void)stop_fixture(nullptr);
    fail_msg("waited in vain for cognito-local");
  }
  std::ifstream(ready) >> fixture;
  return 0;
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  enter_sandbox();
  set_up_accounts();
  const PrivateBus bus;
  const CMUnitTest tests[] = {
      cmocka_unit_test(password_and_totp),
      cmocka_unit_test(a_wrong_password),
      cmocka_unit_test(a_wrong_code),
      cmocka_unit_test(a_pool_without_srp),
  };
  const int failed = cmocka_run_group_tests(tests, start_fixture, stop_fixture);
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
