#include "daemon/cognito/key_cache.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_http.h"
#include "tests/unit/cognito/token_factory.h"

namespace pamcognito::test {
namespace {

using cognito::ApiClient;
using cognito::ErrorKind;
using cognito::HttpFailure;
using cognito::HttpRequest;
using cognito::HttpResult;
using cognito::KeyCache;
using cognito::PoolResult;
using cognito::PublicKey;
using runtime::EventLoop;
using runtime::seconds;

constexpr char kUri[] = "https://example.com/jwks.json";
using KeyResult = PoolResult<PublicKey>;

struct Cache {
  EventLoop loop;
  TestClock clock{loop};
  HttpResult answer = answered(200, key_set());
  ScriptedHttp http{loop, [this](const auto&) { return answer; }};
  ApiClient api{http, clock, "https://unused.example.com"};
  KeyCache keys{loop, clock, api};

  KeyResult get(const std::string& kid) {
    return run_task(loop, keys.key(kUri, kid, loop.now() + seconds(20)));
  }
};

// Asks `count` times at once; some of those who ask go away before the answer.
void storm(Cache& cache, const std::string& kid, std::size_t count) {
  std::vector<std::optional<KeyResult>> results(count);
  std::vector<EventLoop::Spawned> tasks;
  for (auto& result : results) {
    tasks.push_back(cache.loop.spawn(
        keep_result(cache.keys.key(kUri, kid, cache.loop.now() + seconds(20)), &result)));
  }
  tasks.front().cancel();
  tasks.back().cancel();
  for (std::size_t i = 1; i + 1 < count; ++i) {
    run_until(cache.loop, [&] { return !tasks[i].running(); });
  }
}

void concurrent_callers_share_one_fetch(void**) {
  Cache cache;
  storm(cache, id_key().kid(), 100);
  assert_int_equal(cache.http.requests.size(), 1);
  assert_true(cache.get(id_key().kid()).has_value());
  assert_true(cache.get(access_key().kid()).has_value());
  assert_int_equal(cache.http.requests.size(), 1);
}

void an_unknown_kid_is_asked_for_once_in_ten_seconds(void**) {
  Cache cache;
  storm(cache, "unknown", 100);
  assert_int_equal(cache.http.requests.size(), 1);
  storm(cache, "another", 100);
  assert_int_equal(cache.http.requests.size(), 1);
  assert_int_equal(cache.get("unknown").error().kind, ErrorKind::tokens_rejected);
  assert_true(cache.get(id_key().kid()).has_value());
  cache.clock.ahead = seconds(11);
  assert_false(cache.get("unknown").has_value());
  assert_int_equal(cache.http.requests.size(), 2);
}

void a_new_key_is_found_by_its_kid(void**) {
  Cache cache;
  cache.answer = answered(200, "{\"keys\":[]}");
  assert_false(cache.get(id_key().kid()).has_value());
  cache.clock.ahead = seconds(11);
  cache.answer = answered(200, key_set());
  assert_true(cache.get(id_key().kid()).has_value());
}

void a_refresh_is_shared_with_those_who_ask(void**) {
  Cache cache;
  cache.keys.refresh(kUri);
  cache.keys.refresh(kUri);
  assert_true(cache.get(id_key().kid()).has_value());
  assert_int_equal(cache.http.requests.size(), 1);
}

void a_failed_fetch_says_why_and_keeps_what_is_known(void**) {
  Cache cache;
  cache.answer = failed(HttpFailure::not_trusted);
  assert_int_equal(cache.get(id_key().kid()).error().kind, ErrorKind::not_connected);
  cache.answer = answered(200, key_set());
  assert_true(cache.get(id_key().kid()).has_value());  // no pause after a failure
  cache.answer = answered(200, "nonsense");
  assert_int_equal(cache.get("unknown").error().kind, ErrorKind::bad_response);
  assert_true(cache.get(id_key().kid()).has_value());
}

void a_deadline_ends_the_wait(void**) {
  Cache cache;
  const auto result =
      run_task(cache.loop, cache.keys.key(kUri, id_key().kid(), cache.loop.now() - seconds(1)));
  if (!result) assert_int_equal(result.error().kind, ErrorKind::timed_out);
}

// Key sets.

Json::Value one_key(void (*change)(Json::Value& jwk)) {
  Json::Value set;
  set["keys"].append(id_key().jwk());
  change(set["keys"][0]);
  return set;
}

void keys_that_cannot_verify_are_left_out(void**) {
  void (*const changes[])(Json::Value&) = {
      [](Json::Value& jwk) { jwk["kty"] = "EC"; },
      [](Json::Value& jwk) { jwk["use"] = "enc"; },
      [](Json::Value& jwk) { jwk["alg"] = "RS512"; },
      [](Json::Value& jwk) { jwk["alg"] = 1; },
      [](Json::Value& jwk) { jwk["n"] = "AQAB"; },
      [](Json::Value& jwk) { jwk["n"] = "not base64url!"; },
      [](Json::Value& jwk) { jwk["e"] = "AA"; },
      [](Json::Value& jwk) { jwk["e"] = "Ag"; },
      [](Json::Value& jwk) { jwk.removeMember("e"); },
      [](Json::Value& jwk) { jwk["kid"] = 7; },
      [](Json::Value& jwk) { jwk.removeMember("kid"); },
      [](Json::Value& jwk) { jwk = "text"; },
  };
  for (const auto change : changes) {
    const auto set = cognito::parse_key_set(write(one_key(change)));
    assert_true(set.has_value());
    assert_true(set->empty());
  }
  const auto bare = cognito::parse_key_set(write(one_key([](Json::Value& jwk) {
    jwk.removeMember("alg");
    jwk.removeMember("use");
  })));
  assert_int_equal(bare->size(), 1);
}

void texts_that_are_no_key_set(void**) {
  Json::Value same;
  same["keys"].append(id_key().jwk());
  same["keys"].append(id_key().jwk());
  Json::Value many;
  for (int i = 0; i < 17; ++i) many["keys"].append(Json::Value(Json::objectValue));
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
        std::string(R"({"keys":null})"), write(same), write(many)}) {
    assert_false(cognito::parse_key_set(text).has_value());
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(concurrent_callers_share_one_fetch),
      cmocka_unit_test(an_unknown_kid_is_asked_for_once_in_ten_seconds),
      cmocka_unit_test(a_new_key_is_found_by_its_kid),
      cmocka_unit_test(a_refresh_is_shared_with_those_who_ask),
      cmocka_unit_test(a_failed_fetch_says_why_and_keeps_what_is_known),
      cmocka_unit_test(a_deadline_ends_the_wait),
      cmocka_unit_test(keys_that_cannot_verify_are_left_out),
      cmocka_unit_test(texts_that_are_no_key_set),
  };
  return cmocka_run_group_tests_name("key_cache", tests, nullptr, nullptr);
}
