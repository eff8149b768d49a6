#include "daemon/cognito/reaching_http.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <expected>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/cognito/run_task.h"

// cmocka.h wants these first, and its macros fit no header after it.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace {

using namespace pamcognito;
using namespace pamcognito::cognito;
using runtime::EventLoop;
using runtime::Task;
using test::keep_result;
using test::run_until;

constexpr char kEndpoint[] = "https://pool.example";

// Each request ends as its address says; "" is the resolver's.
class ScriptedTransport final : public Http {
 public:
  Task<HttpResult> send(HttpRequest request) override {
    sent.push_back(request.connect_to);
    const auto found = failures.find(request.connect_to);
    if (found != failures.end()) co_return std::unexpected(HttpError(found->second));
    HttpResponse response;
    response.status = 200;
    response.address = request.connect_to.empty() ? "192.0.2.1" : request.connect_to;
    co_return response;
  }
  [[nodiscard]] bool has_warm_connection() const override { return false; }

  std::map<std::string, HttpFailure> failures;
  std::vector<std::string> sent;
};

class ScriptedProber final : public Prober {
 public:
  Task<ProbeAnswer> probe(std::string url, std::string address, runtime::MonotonicTime) override {
    assert_string_equal(url.c_str(), kEndpoint);
    probed.push_back(address);
    ProbeAnswer answer;
    const auto found = results.find(address);
    answer.result = found != results.end() ? found->second : Probe::failed;
    if (answer.result == Probe::reached) answer.address = address.empty() ? "192.0.2.1" : address;
    co_return answer;
  }

  std::map<std::string, Probe> results;
  std::vector<std::string> probed;
};

class ScriptedNetwork final : public Network {
 public:
  [[nodiscard]] std::string name() const override { return "eth0 10.0.0.1"; }
  [[nodiscard]] bool has_no_route(const std::string& address, std::uint16_t) const override {
    return no_route || (no_ipv6_route && address.contains(':'));
  }
  [[nodiscard]] bool lacks_carrier() const override { return false; }
  bool no_route = false;
  bool no_ipv6_route = false;
};

struct Stage {
  EventLoop loop;
  runtime::LoopClock clock{loop};
  ScriptedTransport transport;
  ScriptedProber prober;
  ScriptedNetwork network;
  std::unique_ptr<ReachingHttp> http;

  void start(bool by_proxy = false, const std::string& file = {}) {
    ReachingHttp::Settings settings;
    settings.endpoint = kEndpoint;
    settings.by_proxy = by_proxy;
    settings.file = file;
    http = std::make_unique<ReachingHttp>(
        ReachingHttp::Parts{
            .loop = loop, .clock = clock, .http = transport, .prober = prober, .network = network},
        std::move(settings));
  }
  HttpResult send(const std::string& url = std::string(kEndpoint) + "/") {
    std::optional<HttpResult> result;
    const auto task = loop.spawn(keep_result(
        http->send(HttpRequest(HttpRequest::Method::post, url, loop.now() + runtime::seconds(8))),
        &result));
    run_until(loop, [&] { return !task.running(); });
    return std::move(*result);
  }
  [[nodiscard]] std::string state() const { return std::string(http->report().state); }
};

void the_start_finds_the_pool(void**) {
  Stage stage;
  stage.prober.results[""] = Probe::reached;
  stage.start();
  assert_string_equal(stage.state().c_str(), "reachable");
  assert_int_equal(stage.http->report().addresses, 1);
  assert_int_equal(stage.http->report().fresh_addresses, 1);
  assert_true(stage.send().has_value());
}

// A crowded resolver: the request goes out once, to the address that answers.
void a_request_goes_to_a_known_address(void**) {
  Stage stage;
  stage.prober.results[""] = Probe::reached;
  stage.start();
  stage.prober.results = {{"192.0.2.1", Probe::reached}, {"", Probe::unresolved}};
  stage.transport.failures[""] = HttpFailure::not_connected;
  assert_true(stage.send().has_value());
  assert_true((stage.transport.sent == std::vector<std::string>{"", "192.0.2.1"}));
  // The next one goes there at once.
  assert_true(stage.send().has_value());
  assert_string_equal(stage.transport.sent.back().c_str(), "192.0.2.1");
  assert_int_equal(stage.transport.sent.size(), 3);
}

void failures_of_sign_ins_are_never_proof(void**) {
  Stage stage;
  stage.prober.results[""] = Probe::reached;
  stage.start();
  stage.prober.results.clear();
  stage.transport.failures[""] = HttpFailure::not_connected;
  for (int i = 0; i < 50; ++i)
    assert_int_equal(stage.send().error().failure, HttpFailure::not_connected);
  assert_string_equal(stage.state().c_str(), "in-doubt");
  // One success ends the doubt.
  stage.transport.failures.clear();
  assert_true(stage.send().has_value());
  assert_string_equal(stage.state().c_str(), "reachable");
}

// Over a connection that was open before, packets are lost without a failure to connect.
void an_answer_that_does_not_come_is_a_doubt(void**) {
  for (const HttpFailure failure : {HttpFailure::timed_out, HttpFailure::cut}) {
    Stage stage;
    stage.prober.results[""] = Probe::reached;
    stage.start();
    stage.transport.failures[""] = failure;
    assert_int_equal(stage.send().error().failure, failure);
    assert_string_equal(stage.state().c_str(), "in-doubt");
    assert_int_equal(stage.transport.sent.size(), 1);  // what was sent is not sent again
  }
}

void a_foreign_certificate_forgets_the_address(void**) {
  Stage stage;
  stage.prober.results[""] = Probe::reached;
  stage.start();
  stage.prober.results = {{"192.0.2.1", Probe::foreign}, {"", Probe::foreign}};
  stage.transport.failures[""] = HttpFailure::not_connected;
  assert_false(stage.send().has_value());
  assert_int_equal(stage.http->report().addresses, 0);
}

void behind_a_proxy_nothing_is_probed(void**) {
  Stage stage;
  stage.start(true);
  stage.transport.failures[""] = HttpFailure::not_connected;
  assert_int_equal(stage.send().error().failure, HttpFailure::not_connected);
  assert_true(stage.prober.probed.empty());
  assert_string_equal(stage.state().c_str(), "by-proxy");
}

void another_host_has_no_detour(void**) {
  Stage stage;
  stage.prober.results[""] = Probe::reached;
  stage.start();
  stage.prober.results["192.0.2.1"] = Probe::reached;
  stage.transport.failures[""] = HttpFailure::not_connected;
  assert_false(stage.send("https://keys.example/jwks").has_value());
  assert_true((stage.transport.sent == std::vector<std::string>{""}));
}

// The path of a file with one address that was verified long ago.
std::string file_with(const std::string& address) {
  char path[] = "/tmp/reaching-http-test.XXXXXX";
  const int fd = ::mkstemp(path);
  assert_true(fd >= 0);
  (void)::close(fd);
  std::ofstream(path) << "pam-cognito pool addresses 1\nhost pool.example:443\naddress " << address
                      << " 1000000000 eth0 10.0.0.1\n";
  return path;
}

void the_file_of_addresses_is_read(void**) {
  const std::string path = file_with("192.0.2.7");
  Stage stage;
  stage.start(false, path);
  (void)::unlink(path.c_str());
  assert_int_equal(stage.http->report().addresses, 1);
  assert_int_equal(stage.http->report().fresh_addresses, 0);
  assert_true((stage.prober.probed == std::vector<std::string>{"192.0.2.7", ""}));
}

// The pool may have an address of the other family, which a crowded resolver does not tell: so this
// address must fail as any other does, for `unreachable_after`.
void an_address_without_a_route_is_probed_while_there_is_another_route(void**) {
  for (const bool no_route : {false, true}) {
    const std::string path = file_with("2001:db8::7");
    Stage stage;
    stage.network.no_ipv6_route = true;
    stage.network.no_route = no_route;
    stage.start(false, path);
    (void)::unlink(path.c_str());
    const bool is_probed =
        std::ranges::find(stage.prober.probed, "2001:db8::7") != stage.prober.probed.end();
    assert_true(is_probed == !no_route);
  }
}

// No default route, but one to the pool: a private endpoint.
void a_first_contact_needs_no_default_route(void**) {
  Stage stage;
  stage.network.no_route = true;
  stage.prober.results[""] = Probe::reached;
  stage.start();
  assert_string_equal(stage.state().c_str(), "reachable");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_start_finds_the_pool),
      cmocka_unit_test(a_request_goes_to_a_known_address),
      cmocka_unit_test(failures_of_sign_ins_are_never_proof),
      cmocka_unit_test(an_answer_that_does_not_come_is_a_doubt),
      cmocka_unit_test(a_foreign_certificate_forgets_the_address),
      cmocka_unit_test(behind_a_proxy_nothing_is_probed),
      cmocka_unit_test(another_host_has_no_detour),
      cmocka_unit_test(the_file_of_addresses_is_read),
      cmocka_unit_test(an_address_without_a_route_is_probed_while_there_is_another_route),
      cmocka_unit_test(a_first_contact_needs_no_default_route),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
