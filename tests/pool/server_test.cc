// The HTTPS server over real sockets: certificates, delivery of answers and of faults, and its end.
#include "tests/pool/server.h"

#include <curl/curl.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "tests/pool/cmocka.h"
#include "tests/pool/files.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

constexpr size_t kEnough = 1024 * 1024;

// A pool behind TLS on a port of its own, in a directory of its own.
class Running {
 public:
  Running() {
    char name[] = "/tmp/cognito-pool-test-XXXXXX";
    require_crypto(mkdtemp(name) != nullptr, "mkdtemp");
    directory_ = name;
    const auto tls = load_or_make_certificates(directory_);
    require_crypto(tls.has_value(), "certificates");
    auto listener = listen_on("127.0.0.1", 0);
    require_crypto(listener.has_value(), "listen");
    url_ = "https://127.0.0.1:" + std::to_string(listener->port);
    server_ = Server::start(fixture.pool, std::move(*listener), *tls, "");
    require_crypto(server_ != nullptr, "server");
  }
  ~Running() {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void add_fault(const std::string& fault) {
    const std::lock_guard<std::mutex> held(fixture.pool.mutex);
    const auto id = fixture.pool.faults.add(json(fault));
    if (!id) fail_with(id.error());
  }
  Json::Value log() {
    const std::lock_guard<std::mutex> held(fixture.pool.mutex);
    return fixture.pool.log.list({}, false);
  }
  void stop() { server_.reset(); }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string ca_file() const { return directory_ + "/ca.pem"; }

  PoolUnderTest fixture;

 private:
  std::string directory_;
  std::string url_;
  std::unique_ptr<Server> server_;
};

struct Fetched {
  CURLcode result = CURLE_OK;
  long status = 0;
  std::string body;
  std::string headers;
};

size_t collect(char* data, size_t size, size_t count, void* into) {
  auto& text = *static_cast<std::string*>(into);
  text.append(data, size * count);
  return text.size() > kEnough ? 0 : size * count;
}

// One client: calls of one object share a connection as far as the server lets them.
class Client {
 public:
  explicit Client(const Running& running) : running_(running), curl_(curl_easy_init()) {}
  ~Client() { curl_easy_cleanup(curl_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Fetched get(const std::string& path) { return fetch(path, nullptr, ""); }
  // libcurl signs the request.
  Fetched signed_call(const std::string& path, const std::string& operation,
                      const std::string& body, const std::string& key, const std::string& token) {
    signing_ = key;
    token_ = token;
    Fetched fetched =
        fetch(path, &body, "X-Amz-Target: AWSCognitoIdentityProviderService." + operation);
    signing_.clear();
    return fetched;
  }
  Fetched call(const std::string& operation, const std::string& body) {
    return fetch("/", &body, "X-Amz-Target: AWSCognitoIdentityProviderService." + operation);
  }
  Fetched admin(const std::string& name, const std::string& body) {
    return fetch("/_admin/" + name, &body, "X-Unused: 1");
  }

 private:
  Fetched fetch(const std::string& path, const std::string* body, const std::string& header) {
    Fetched fetched;
    curl_easy_reset(curl_);
    curl_slist* headers = curl_slist_append(nullptr, header.c_str());
    curl_easy_setopt(curl_, CURLOPT_URL, (running_.url() + path).c_str());
    curl_easy_setopt(curl_, CURLOPT_CAINFO, running_.ca_file().c_str());
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &fetched.body);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &fetched.headers);
    if (!signing_.empty()) {
      headers = curl_slist_append(headers, "Content-Type: application/x-amz-json-1.1");
      if (!token_.empty()) {
        headers = curl_slist_append(headers, ("X-Amz-Security-Token: " + token_).c_str());
      }
      curl_easy_setopt(curl_, CURLOPT_AWS_SIGV4, "aws:amz:eu-west-1:cognito-idp");
      curl_easy_setopt(curl_, CURLOPT_USERPWD, signing_.c_str());
    }
    if (body != nullptr) {
      curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body->c_str());
    }
    fetched.result = curl_easy_perform(curl_);
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &fetched.status);
    curl_slist_free_all(headers);
    return fetched;
  }

  const Running& running_;
  CURL* curl_;
  // The key and its secret, and the session token.
  std::string signing_;
  std::string token_;
};

constexpr char kSignIn[] = R"({"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"2legacy3client4id",
    "AuthParameters":{"USERNAME":"plain","PASSWORD":"pw-plain"}})";

void whole_answers(void** /*state*/) {
  Running running;
  Client client(running);
  const Fetched signed_in = client.call("InitiateAuth", kSignIn);
  assert_int_equal(signed_in.result, CURLE_OK);
  assert_int_equal(signed_in.status, 200);
  assert_true(json(signed_in.body)["AuthenticationResult"].isMember("AccessToken"));
  assert_true(signed_in.headers.find("application/x-amz-json-1.1") != std::string::npos);
  assert_true(signed_in.headers.find("x-amzn-RequestId: ") != std::string::npos);
  const Fetched refused = client.call("GetUser", R"({"AccessToken":"x"})");
  assert_int_equal(refused.status, 403);
  assert_true(refused.headers.find("x-amzn-ErrorType: NotAuthorizedException:") !=
              std::string::npos);
  const Fetched keys = client.get("/eu-west-1_UnitTest1/.well-known/jwks.json");
  assert_int_equal(json(keys.body)["keys"].size(), 2);
  assert_int_equal(client.get("/eu-west-1_Other/.well-known/jwks.json").status, 404);
  assert_int_equal(client.get("/").status, 404);
  assert_int_equal(client.call("InitiateAuth", std::string(kEnough + 1, ' ')).status, 413);
  // One client, one connection.
  const Json::Value log = running.log();
  assert_int_equal(log[0]["peer_port"].asInt(), log[2]["peer_port"].asInt());
}

void admin_calls(void** /*state*/) {
  Running running;
  Client client(running);
  assert_int_equal(client.admin("users/get", R"({"username":"nobody"})").status, 400);
  assert_int_equal(client.admin("no/such/call", "{}").status, 400);
  assert_int_equal(client.admin("settings/set", R"({"latency":1})").status, 400);
  assert_int_equal(client.admin("log/list", "").status, 200);
  assert_int_equal(client.admin("users/disable", R"({"username":"plain"})").status, 200);
  assert_int_equal(client.call("InitiateAuth", kSignIn).status, 403);
  assert_int_equal(client.admin("reset", "{}").status, 200);
  assert_int_equal(client.call("InitiateAuth", kSignIn).status, 200);

  // A long poll ends when the message comes.
  std::thread reader([&running] {
    Client other(running);
    const Fetched next = other.admin("inbox/next", R"({"username":"sms","wait_ms":60000})");
    assert_text(string_at(json(next.body)["message"], "medium"), "SMS");
  });
  (void)client.call("InitiateAuth", R"({"AuthFlow":"USER_PASSWORD_AUTH",
      "ClientId":"2legacy3client4id","AuthParameters":{"USERNAME":"sms","PASSWORD":"pw-sms"}})");
  reader.join();
}

void signatures_of_libcurl(void** /*state*/) {
  Running running;
  Client client(running);
  const std::string pool = R"({"UserPoolId":"eu-west-1_UnitTest1","Limit":2})";
  const auto refusal = [&](const Fetched& fetched) {
    return string_at(json(fetched.body), "__type");
  };
  assert_int_equal(client.admin("access-keys/set", R"({"access_key_id":"ASIA1"})").status, 400);
  assert_int_equal(client
                       .admin("access-keys/set", R"({"access_key_id":"ASIA1",
      "secret_access_key":"a/b+c","session_token":"t/o+k=="})")
                       .status,
                   200);
  // libcurl 7.88 signs a query as it is, so this one is in order.
  for (const char* path : {"/", "/?a=%2F&b=2"}) {
    const Fetched good = client.signed_call(path, "ListUsers", pool, "ASIA1:a/b+c", "t/o+k==");
    assert_text(refusal(good), "");
    assert_int_equal(json(good.body)["Users"].size(), 2);
  }
  const Fetched long_term =
      client.signed_call("/", "ListUsers", pool, "AKIDUNITTEST:unit/test+secret", "");
  assert_int_equal(long_term.status, 200);
  assert_text(refusal(client.signed_call("/", "ListUsers", pool, "ASIA1:a/b+d", "t/o+k==")),
              "InvalidSignatureException");
  assert_text(refusal(client.signed_call("/", "ListUsers", pool, "ASIA1:a/b+c", "t/o+k=")),
              "UnrecognizedClientException");
  assert_text(refusal(client.call("ListUsers", pool)), "MissingAuthenticationTokenException");
  assert_int_equal(client.admin("access-keys/delete", R"({"access_key_id":"ASIA1"})").status, 200);
  assert_int_equal(client.admin("access-keys/delete", R"({"access_key_id":"ASIA1"})").status, 400);
  assert_text(refusal(client.signed_call("/", "ListUsers", pool, "ASIA1:a/b+c", "t/o+k==")),
              "UnrecognizedClientException");

  const std::string in_group = R"({"UserPoolId":"eu-west-1_UnitTest1","GroupName":"g9"})";
  const auto list = [&] {
    return client.signed_call("/", "ListUsersInGroup", in_group, "AKIDUNITTEST:unit/test+secret",
                              "");
  };
  assert_text(refusal(list()), "ResourceNotFoundException");
  assert_int_equal(client.admin("groups/set", R"({"name":"g9","precedence":1})").status, 200);
  assert_int_equal(client.admin("users/update", R"({"username":"plain","groups":["g9"]})").status,
                   200);
  assert_int_equal(json(list().body)["Users"].size(), 1);
  assert_int_equal(client.admin("groups/delete", R"({"name":"g9"})").status, 200);
  assert_text(refusal(list()), "ResourceNotFoundException");
  const Fetched user = client.admin("users/get", R"({"username":"plain"})");
  assert_true(json(user.body)["groups"].empty());
}

void cut_connections(void** /*state*/) {
  Running running;
  for (const char* kind : {"cut_before_body", "cut_after_reading", "lose_answer"}) {
    running.add_fault(R"({"on":"InitiateAuth","kind":")" + std::string(kind) + "\"}");
    Client client(running);
    const Fetched cut = client.call("InitiateAuth", kSignIn);
    if (cut.result != CURLE_GOT_NOTHING && cut.result != CURLE_RECV_ERROR &&
        cut.result != CURLE_SEND_ERROR) {
      fail_with(std::string(kind) + ": " + curl_easy_strerror(cut.result));
    }
    assert_int_equal(client.call("InitiateAuth", kSignIn).status, 200);
  }
  const Json::Value log = running.log();
  assert_int_equal(log.size(), 6);
  for (const Json::ArrayIndex i : {0U, 2U, 4U}) assert_false(log[i]["answered"].asBool());
  assert_true(log[4]["processed"].asBool());
}

void bad_bodies(void** /*state*/) {
  Running running;
  running.add_fault(R"({"kind":"truncated"})");
  running.add_fault(R"({"kind":"endless"})");
  Client client(running);
  const Fetched half = client.call("InitiateAuth", kSignIn);
  assert_int_equal(half.result, CURLE_PARTIAL_FILE);
  assert_true(!half.body.empty() && !parse_json(half.body).has_value());
  const Fetched endless = client.call("InitiateAuth", kSignIn);
  assert_int_equal(endless.result, CURLE_WRITE_ERROR);
  assert_true(endless.body.size() > kEnough);
  assert_int_equal(client.call("InitiateAuth", kSignIn).status, 200);
}

void ends_with_requests_waiting(void** /*state*/) {
  Running running;
  running.add_fault(R"({"kind":"delay","delay_ms":600000})");
  running.add_fault(R"({"kind":"endless","ms":600000})");
  std::thread first([&running] { (void)Client(running).call("InitiateAuth", kSignIn); });
  std::thread second([&running] { (void)Client(running).call("InitiateAuth", kSignIn); });
  const Fetched both = Client(running).admin("log/wait", R"({"count":2,"wait_ms":60000})");
  assert_int_equal(json(both.body)["count"].asInt(), 2);
  running.stop();
  first.join();
  second.join();
}

void certificates_are_kept(void** /*state*/) {
  Running running;
  const auto before = read_file(running.ca_file());
  const auto directory = std::filesystem::path(running.ca_file()).parent_path().string();
  assert_true(load_or_make_certificates(directory).has_value());
  assert_true(before == read_file(running.ca_file()));
}

}  // namespace

int main() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const CMUnitTest tests[] = {cmocka_unit_test(whole_answers),
                              cmocka_unit_test(admin_calls),
                              cmocka_unit_test(signatures_of_libcurl),
                              cmocka_unit_test(cut_connections),
                              cmocka_unit_test(bad_bodies),
                              cmocka_unit_test(ends_with_requests_waiting),
                              cmocka_unit_test(certificates_are_kept)};
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  curl_global_cleanup();
  return failed;
}
