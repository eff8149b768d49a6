// Each request to the pool is noted in its flow's trace and counted, the repeated ones too.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "daemon/runtime/metrics.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/scripted_pool.h"

namespace pamcognito::test {
namespace {

using cognito::Call;
using cognito::CallTrace;
using cognito::HttpFailure;
using cognito::Tokens;

// A trace without its times: "InitiateAuth ok 52ms id" becomes "InitiateAuth ok id".
std::string without_times(const std::string& trace) {
  std::string text;
  std::size_t at = 0;
  while (at < trace.size()) {
    const std::size_t end = std::min(trace.find(' ', at), trace.size());
    const std::string word = trace.substr(at, end - at);
    const bool last_of_call = word.ends_with("ms;");
    const bool time = last_of_call || word.ends_with("ms");
    if (time && last_of_call) text += ";";
    if (!time) text += (text.empty() ? "" : " ") + word;
    at = end + 1;
  }
  return text;
}

double counted(const std::string& name, const std::map<std::string, std::string>& labels) {
  for (const runtime::Sample& sample : runtime::metrics().samples()) {
    if (sample.name == name && sample.labels == labels) return sample.value;
  }
  return 0;
}

double calls(const char* operation, const char* result) {
  return counted("pam_cognito_calls_total", {{"operation", operation}, {"result", result}});
}

void a_sign_in_is_traced(void**) {
  ScriptedPool p(
      {answered(200, kVerifier), answered(400, R"({"__type":"NotAuthorizedException"})")});
  CallTrace trace;
  (void)p.run(p.pool.sign_in("alice", &p.password, &p.context, Call(p.soon(), &trace)));
  assert_text(without_times(trace.text()),
              "InitiateAuth ok request-1; RespondToAuthChallenge not-authorized request-1");
}

void each_sending_is_noted(void**) {
  const double throttled = calls("GetTokensFromRefreshToken", "too-many-requests");
  const double good = calls("GetTokensFromRefreshToken", "ok");
  const double timed =
      counted("pam_cognito_call_seconds_count", {{"operation", "GetTokensFromRefreshToken"}});
  ScriptedPool p(
      {answered(429, R"({"__type":"TooManyRequestsException"})"), answered(200, kTokens)});
  CallTrace trace;
  cognito::RefreshProof proof;
  proof.refresh_token = "secret-token";
  assert_true(p.run(p.pool.refresh(proof, Call(p.soon(), &trace))).has_value());
  assert_text(without_times(trace.text()),
              "GetTokensFromRefreshToken too-many-requests request-1; "
              "GetTokensFromRefreshToken ok request-1");
  assert_false(trace.text().contains("secret-token"));
  assert_true(calls("GetTokensFromRefreshToken", "too-many-requests") == throttled + 1);
  assert_true(calls("GetTokensFromRefreshToken", "ok") == good + 1);
  assert_true(counted("pam_cognito_call_seconds_count",
                      {{"operation", "GetTokensFromRefreshToken"}}) == timed + 2);
}

void what_is_no_answer_is_noted_by_its_word(void**) {
  struct Row {
    cognito::HttpResult result;
    const char* expected;
  };
  const Row rows[] = {
      {failed(HttpFailure::timed_out), "RevokeToken timed-out"},
      {failed(HttpFailure::not_trusted), "RevokeToken not-connected"},
      {answered(200, "<html>"), "RevokeToken bad-response request-1"},
      {answered(400, R"({"__type":"UnsupportedTokenTypeException"})"),
       "RevokeToken unsupported-token-type request-1"},
  };
  for (const Row& row : rows) {
    ScriptedPool p({row.result});
    CallTrace trace;
    assert_false(p.run(p.pool.revoke("r", Call(p.soon(), &trace))).has_value());
    assert_text(without_times(trace.text()), row.expected);
  }
}

void nobody_has_to_trace(void**) {
  const double before = calls("GetUser", "ok");
  ScriptedPool p({answered(200, R"({"Username":"alice"})")});
  assert_true(p.run(p.pool.get_user("a.b.c", p.soon())).has_value());
  assert_true(calls("GetUser", "ok") == before + 1);
}

// The keys are fetched for everybody: their request is counted once, the wait for it is the flow's.
void the_wait_for_the_keys_is_noted(void**) {
  const double before = calls("JWKS", "internal-error");
  const auto broken = answered(500, "");
  ScriptedPool p({broken, broken, broken, broken});
  Tokens tokens;
  tokens.access_token = make_token(access_claims(p.clock.wall), access_key());
  tokens.id_token = make_token(id_claims(p.clock.wall), id_key());
  CallTrace trace;
  assert_false(p.run(p.pool.verify(&tokens, Call(p.soon(), &trace))).has_value());
  assert_text(without_times(trace.text()), "JWKS internal-error");
  assert_true(calls("JWKS", "internal-error") == before + 2);
}

void a_trace_is_bounded_and_plain(void**) {
  CallTrace trace;
  trace.note("GetUser", "ok", std::chrono::milliseconds(52), "6f1c-77AB");
  assert_text(trace.text(), "GetUser ok 52ms 6f1c-77AB");
  for (const std::string& foreign :
       {std::string("a b"), std::string("a\x1b[31m"), std::string("a;b"), std::string("\xc3\xa4"),
        std::string(65, 'a')}) {
    CallTrace other;
    other.note("GetUser", "ok", std::chrono::milliseconds(1), foreign);
    assert_text(other.text(), "GetUser ok 1ms");
  }
  for (int i = 0; i < 1000; ++i) {
    trace.note("RespondToAuthChallenge", "not-authorized", std::chrono::milliseconds(7),
               std::string(64, 'f'));
  }
  assert_in_range(trace.text().size(), 1000, 1700);
  assert_true(trace.text().ends_with("; …"));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_sign_in_is_traced),
      cmocka_unit_test(each_sending_is_noted),
      cmocka_unit_test(what_is_no_answer_is_noted_by_its_word),
      cmocka_unit_test(nobody_has_to_trace),
      cmocka_unit_test(the_wait_for_the_keys_is_noted),
      cmocka_unit_test(a_trace_is_bounded_and_plain),
  };
  return cmocka_run_group_tests_name("calls", tests, nullptr, nullptr);
}
