#include "daemon/cognito/curl_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/fd.h"
#include "daemon/cognito/network.h"
#include "daemon/cognito/reachability.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/certificates.h"
#include "tests/unit/cognito/library_faults.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_server.h"

namespace pamcognito::test {
namespace {

using cognito::CurlHttp;
using cognito::HttpFailure;
using cognito::HttpRequest;
using cognito::HttpResult;
using cognito::Probe;
using runtime::EventLoop;
using runtime::milliseconds;
using runtime::seconds;
using Method = HttpRequest::Method;

const Certificate& authority() {
  static const Certificate made = make_authority("test authority");
  return made;
}

const TemporaryFile& authority_file() {
  static const TemporaryFile file(authority().pem());
  return file;
}

std::unique_ptr<CurlHttp> make_http(EventLoop& loop, const std::string& proxy = "",
                                    const std::string& ca_file = authority_file().path()) {
  CurlHttp::Settings settings;
  settings.ca_file = ca_file;
  settings.proxy = proxy;
  return std::move(*CurlHttp::create(loop, settings));
}

HttpResult send(EventLoop& loop, CurlHttp& http, Method method, const std::string& url,
                milliseconds time = seconds(20)) {
  HttpRequest request(method, url, loop.now() + time);
  if (method == Method::post) request.body = "{\"a\":1}";
  request.headers = {"X-Amz-Target: Test"};
  return run_task(loop, http.send(std::move(request)));
}

void assert_failure(const HttpResult& result, HttpFailure failure) {
  assert_false(result.has_value());
  assert_int_equal(result.error().failure, failure);
  assert_true(!result.error().message.empty());
}

// Answers every request of a connection with 200 and `ok`.
void answer_all(Peer& peer, int) {
  while (peer.read_request() && peer.write(http_answer(200, "ok"))) {
  }
}

// The ordinary way.

void a_post_arrives_and_its_answer_comes_back(void**) {
  std::string seen;
  const ScriptedServer server([&](Peer& peer, int) {
    seen = *peer.read_request();
    (void)peer.write(http_answer(
        400, "body", "x-amzn-ErrorType: SomeException: \r\nX-Amzn-RequestId: id-1\r\n"));
  });
  EventLoop loop;
  const auto http = make_http(loop);
  const auto result = send(loop, *http, Method::post, server.url() + "/");
  assert_true(result.has_value());
  assert_int_equal(result->status, 400);
  assert_text(result->body, "body");
  assert_text(result->error_type, "SomeException:");
  assert_text(result->request_id, "id-1");
  assert_true(seen.starts_with("POST / HTTP/1.1\r\n"));
  assert_true(seen.find("\r\nX-Amz-Target: Test\r\n") != std::string::npos);
  assert_true(seen.find("\r\nExpect:") == std::string::npos);
  assert_true(seen.ends_with("\r\n\r\n{\"a\":1}"));
}

void a_connection_is_kept_and_used_again(void**) {
  const ScriptedServer server(answer_all, issue(authority(), "IP:127.0.0.1"));
  EventLoop loop;
  const auto http = make_http(loop);
  assert_false(http->has_warm_connection());
  assert_true(send(loop, *http, Method::get, server.url() + "/keys").has_value());
  assert_true(http->has_warm_connection());
  for (int i = 0; i < 3; ++i)
    assert_true(send(loop, *http, Method::post, server.url() + "/").has_value());
  assert_int_equal(server.connections(), 1);
}

void requests_may_run_at_the_same_time(void**) {
  const ScriptedServer server(answer_all);
  EventLoop loop;
  const auto http = make_http(loop);
  std::vector<std::optional<HttpResult>> results(20);
  std::vector<EventLoop::Spawned> tasks;
  for (auto& result : results) {
    HttpRequest request(Method::post, server.url() + "/", loop.now() + seconds(20));
    request.body = "x";
    tasks.push_back(loop.spawn(keep_result(http->send(std::move(request)), &result)));
  }
  for (const auto& task : tasks) run_until(loop, [&] { return !task.running(); });
  for (const auto& result : results) assert_true((*result).has_value());
}

void an_idle_connection_is_closed_in_time(void**) {
  std::atomic<bool> closed = false;
  const ScriptedServer server([&](Peer& peer, int) {
    answer_all(peer, 0);
    closed = true;
  });
  EventLoop loop;
  CurlHttp::Settings settings;
  settings.ca_file = authority_file().path();
  settings.idle_time = seconds(1);  // a slow machine still finds it warm
  const auto http = std::move(*CurlHttp::create(loop, settings));
  assert_true(send(loop, *http, Method::post, server.url() + "/").has_value());
  assert_true(http->has_warm_connection());
  run_until(loop, [&] { return !http->has_warm_connection(); });
  while (!closed) std::this_thread::yield();
  assert_true(send(loop, *http, Method::post, server.url() + "/").has_value());
  assert_int_equal(server.connections(), 2);
}

void a_connection_that_the_server_closed_is_not_warm(void**) {
  std::atomic<bool> closed = false;
  const ScriptedServer server([&](Peer& peer, int) {
    (void)peer.read_request();
    (void)peer.write(http_answer(200, "ok"));
    closed = true;
  });
  EventLoop loop;
  const auto http = make_http(loop);
  assert_true(send(loop, *http, Method::post, server.url() + "/").has_value());
  while (!closed || http->has_warm_connection()) std::this_thread::yield();
  assert_true(send(loop, *http, Method::post, server.url() + "/").has_value());
}

void a_cancelled_request_leaves_nothing_behind(void**) {
  std::atomic<bool> arrived = false;
  std::atomic<bool> closed = false;
  const ScriptedServer server([&](Peer& peer, int connection) {
    if (connection > 0) return answer_all(peer, connection);
    (void)peer.read_request();
    arrived = true;
    peer.wait_for_close();
    closed = true;
  });
  EventLoop loop;
  const auto http = make_http(loop);
  std::optional<HttpResult> result;
  HttpRequest request(Method::post, server.url() + "/", loop.now() + seconds(20));
  request.body = "x";
  auto task = loop.spawn(keep_result(http->send(std::move(request)), &result));
  while (!arrived) (void)sd_event_run(loop.get(), 1000);
  task.cancel();
  while (!closed) std::this_thread::yield();
  assert_false(result.has_value());
  assert_true(send(loop, *http, Method::post, server.url() + "/").has_value());
}

void a_request_whose_name_is_being_resolved_can_be_left(void**) {
  const std::string url = "https://slow.example.com/";
  {
    EventLoop loop;
    const auto http = make_http(loop);
    std::optional<HttpResult> result;
    HttpRequest request(Method::post, url, loop.now() + seconds(20));
    auto task = loop.spawn(keep_result(http->send(std::move(request)), &result));
    while (waiting_for_name == 0) (void)sd_event_run(loop.get(), 1000);
    task.cancel();
    assert_failure(send(loop, *http, Method::post, url, milliseconds(500)),
                   HttpFailure::not_connected);
  }
  // No request has waited for the resolver's threads here. The second of them may only now begin.
  while (waiting_for_name < 2) std::this_thread::yield();
  name_is_known = true;
  while (waiting_for_name > 0) std::this_thread::yield();
}

// No request is sent twice.

// Serves one request, then reads the next one of the kept-alive connection and cuts.
struct CuttingServer {
  std::atomic<int> requests = 0;  // whole or begun
  ScriptedServer server;

  CuttingServer() : server([this](Peer& peer, int connection) { serve(peer, connection); }) {}

  void serve(Peer& peer, int) {
    const auto first = peer.read_request();
    if (first || peer.received_something()) ++requests;
    if (!first) return;
    (void)peer.write(http_answer(200, "ok"));
    if (peer.read_request()) ++requests;
  }
};

void a_post_on_a_cut_connection_is_sent_once(void**) {
  CuttingServer cutting;
  EventLoop loop;
  const auto http = make_http(loop);
  assert_true(send(loop, *http, Method::post, cutting.server.url() + "/").has_value());
  const auto second = send(loop, *http, Method::post, cutting.server.url() + "/");
  assert_failure(second, HttpFailure::cut);
  assert_int_equal(cutting.requests, 2);
}

void a_get_is_sent_once_on_a_connection_of_its_own(void**) {
  std::atomic<int> gets = 0;
  const ScriptedServer server([&](Peer& peer, int) {
    while (const auto request = peer.read_request()) {
      if (request->starts_with("GET")) {
        ++gets;
        return;
      }
      (void)peer.write(http_answer(200, "ok"));
    }
  });
  EventLoop loop;
  const auto http = make_http(loop);
  assert_true(send(loop, *http, Method::post, server.url() + "/").has_value());
  assert_failure(send(loop, *http, Method::get, server.url() + "/keys"), HttpFailure::cut);
  assert_int_equal(gets, 1);
}

// Servers that misbehave.

void nobody_listens(void**) {
  std::string url;
  {
    const ScriptedServer server(answer_all);
    url = server.url();
  }
  EventLoop loop;
  const auto http = make_http(loop);
  assert_failure(send(loop, *http, Method::post, url + "/"), HttpFailure::not_connected);
}

// Any local user can take all ports: that must not look like a pool that cannot be reached.
void what_this_machine_lacks_is_not_the_servers(void**) {
  EventLoop loop;
  const auto http = make_http(loop);
  const std::string by_address = "https://127.0.0.1:9/";
  const std::string by_name = "https://unknown.example.com/";
  for (const int error : {EADDRNOTAVAIL, ENOBUFS, ENOMEM, EPERM}) {
    connect_error = error;
    assert_failure(send(loop, *http, Method::post, by_address), HttpFailure::internal);
  }
  for (const int error : {ECONNREFUSED, ENETUNREACH, EHOSTUNREACH}) {
    connect_error = error;
    assert_failure(send(loop, *http, Method::post, by_address), HttpFailure::not_connected);
  }
  connect_error = 0;
  assert_failure(send(loop, *http, Method::post, by_name), HttpFailure::not_connected);
  bind_error = EADDRINUSE;
  assert_failure(send(loop, *http, Method::post, by_name), HttpFailure::internal);
  assert_failure(send(loop, *http, Method::post, by_address), HttpFailure::internal);
  bind_error = 0;
  sendto_error = EPERM;
  assert_failure(send(loop, *http, Method::post, by_name), HttpFailure::internal);
  assert_failure(send(loop, *http, Method::post, by_address), HttpFailure::internal);
  sendto_error = 0;
}

// If the kernel drops the packets of a connection, libcurl sees only that time passes.
void a_full_table_of_connections_is_not_the_servers(void**) {
  const ScriptedServer server([](Peer& peer, int) { peer.wait_for_close(); });
  EventLoop loop;
  const auto http = make_http(loop);
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  sendto_error = EPERM;
  assert_failure(send(loop, *http, Method::post, url, seconds(1)), HttpFailure::internal);
  sendto_error = 0;
}

void a_cut_before_tls_stands_is_not_connected(void**) {
  const ScriptedServer server([](Peer&, int) {});  // speaks no TLS, closes
  EventLoop loop;
  const auto http = make_http(loop);
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  assert_failure(send(loop, *http, Method::post, url), HttpFailure::not_connected);
}

void silence_in_the_handshake_is_not_connected(void**) {
  const ScriptedServer server([](Peer& peer, int) { peer.wait_for_close(); });
  EventLoop loop;
  const auto http = make_http(loop);
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  assert_failure(send(loop, *http, Method::post, url, seconds(1)), HttpFailure::not_connected);
}

// A machine that accepts connections and is silent, as an overloaded proxy is, proves nothing.
void a_probe_tells_silence_from_no_connection(void**) {
  EventLoop loop;
  const auto http = make_http(loop);
  const auto probe = [&](const std::string& url) {
    return run_task(loop, http->probe(url, "127.0.0.1", loop.now() + seconds(1))).result;
  };
  std::string url;
  {
    const ScriptedServer server([](Peer& peer, int) { peer.wait_for_close(); });
    url = "https://127.0.0.1:" + std::to_string(server.port());
    assert_true(probe(url) == Probe::undecided);
  }
  assert_true(probe(url) == Probe::failed);
}

// If IPv6 is switched off, there is no IPv6 route, and that is no shortage.
void no_ipv6_is_no_route(void**) {
  const cognito::KernelNetwork network;
  for (const int error : {EADDRNOTAVAIL, ENETUNREACH, EAGAIN, EPERM, ENOBUFS}) {
    connect_error = error;
    assert_true(network.has_no_route("192.0.2.1", 443) == (error == ENETUNREACH));
    const bool is_for_ipv6 = error == ENETUNREACH || error == EADDRNOTAVAIL;
    assert_true(network.has_no_route("2001:db8::1", 443) == is_for_ipv6);
  }
  connect_error = 0;
}

struct Misbehaviour {
  const char* answer;
  HttpFailure failure;
};

void an_answer_that_is_not_whole_or_not_http(void**) {
  const Misbehaviour table[] = {
      {"", HttpFailure::cut},
      {"HTTP/1.1 200 OK\r\nContent-Le", HttpFailure::cut},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", HttpFailure::cut},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", HttpFailure::cut},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", HttpFailure::bad_answer},
      {"220 mail.example.com ESMTP ready, what is it that you want?\r\n", HttpFailure::bad_answer},
  };
  for (const auto& [answer, failure] : table) {
    const ScriptedServer server([&](Peer& peer, int) {
      (void)peer.read_request();
      (void)peer.write(answer);
    });
    EventLoop loop;
    const auto http = make_http(loop);
    const auto result = send(loop, *http, Method::post, server.url() + "/");
    assert_failure(result, failure);
    assert_int_equal(server.connections(), 1);
  }
}

void an_endless_body_is_cut_off(void**) {
  const ScriptedServer server([](Peer& peer, int) {
    (void)peer.read_request();
    (void)peer.write("HTTP/1.1 200 OK\r\n\r\n");
    const std::string part(65536, 'x');
    while (peer.write(part)) {
    }
  });
  EventLoop loop;
  const auto http = make_http(loop);
  assert_failure(send(loop, *http, Method::post, server.url() + "/"), HttpFailure::bad_answer);
}

void endless_headers_are_cut_off(void**) {
  const ScriptedServer server([](Peer& peer, int) {
    (void)peer.read_request();
    (void)peer.write("HTTP/1.1 200 OK\r\n");
    while (peer.write("X-Filler: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  EventLoop loop;
  const auto http = make_http(loop);
  assert_failure(send(loop, *http, Method::post, server.url() + "/"), HttpFailure::bad_answer);
}

void no_answer_ends_at_the_deadline(void**) {
  const ScriptedServer server([](Peer& peer, int) {
    (void)peer.read_request();
    (void)peer.write("HTTP/1.1 200 OK\r\nX-Slow: ");
    peer.wait_for_close();
  });
  EventLoop loop;
  const auto http = make_http(loop);
  // Time for the handshake on a slow machine.
  assert_failure(send(loop, *http, Method::post, server.url() + "/", seconds(2)),
                 HttpFailure::timed_out);
  assert_failure(send(loop, *http, Method::post, server.url() + "/", milliseconds(-1)),
                 HttpFailure::not_started);
}

void a_redirect_is_an_answer(void**) {
  ScriptedServer target(answer_all);
  const ScriptedServer server([&](Peer& peer, int) {
    (void)peer.read_request();
    (void)peer.write(http_answer(307, "", "Location: " + target.url() + "/\r\n"));
  });
  EventLoop loop;
  const auto http = make_http(loop);
  const auto result = send(loop, *http, Method::post, server.url() + "/");
  assert_true(result.has_value());
  assert_int_equal(result->status, 307);
  assert_int_equal(target.connections(), 0);
}

void plain_http_only_to_a_loopback_address(void**) {
  EventLoop loop;
  const auto http = make_http(loop);
  for (const char* url :
       {"http://localhost/", "http://192.0.2.1/", "ftp://127.0.0.1/", "file:///etc/passwd"})
    assert_failure(send(loop, *http, Method::post, url), HttpFailure::internal);
}

// Trust in certificates.

void another_authority_is_refused(void**) {
  // One that has the trusted one's name fails its signature, which libcurl calls a failed
  // handshake.
  const std::pair<const char*, HttpFailure> table[] = {
      {"another authority", HttpFailure::not_trusted},
      {"test authority", HttpFailure::not_connected}};
  for (const auto& [name, failure] : table) {
    const Certificate other = make_authority(name);
    const ScriptedServer server(answer_all, issue(other, "IP:127.0.0.1"));
    EventLoop loop;
    const auto http = make_http(loop);
    assert_failure(send(loop, *http, Method::post, server.url() + "/"), failure);
  }
}

void another_host_name_is_refused(void**) {
  const ScriptedServer server(answer_all, issue(authority(), "IP:127.0.0.2,DNS:example.com"));
  EventLoop loop;
  const auto http = make_http(loop);
  assert_failure(send(loop, *http, Method::post, server.url() + "/"), HttpFailure::not_trusted);
  const std::string by_name = "https://localhost:" + std::to_string(server.port()) + "/";
  assert_failure(send(loop, *http, Method::post, by_name), HttpFailure::not_trusted);
}

void tls_1_1_is_refused(void**) {
  const ScriptedServer server(answer_all, issue(authority(), "IP:127.0.0.1"), TLS1_1_VERSION);
  EventLoop loop;
  const auto http = make_http(loop);
  assert_failure(send(loop, *http, Method::post, server.url() + "/"), HttpFailure::not_connected);
}

void the_ca_file_is_read_once(void**) {
  const ScriptedServer server(
      [](Peer& peer, int) {
        (void)peer.read_request();
        (void)peer.write(http_answer(200, "ok", "Connection: close\r\n"));
      },
      issue(authority(), "IP:127.0.0.1"));
  const TemporaryFile file(authority().pem());
  EventLoop loop;
  const auto http = make_http(loop, "", file.path());
  file.overwrite("not a certificate");
  bundles_opened = 0;
  for (int i = 0; i < 3; ++i)
    assert_true(send(loop, *http, Method::post, server.url() + "/").has_value());
  assert_int_equal(server.connections(), 3);
  assert_int_equal(bundles_opened, 0);  // nor the one that libcurl knows by itself
}

void a_ca_file_that_cannot_be_used_is_named(void**) {
  const TemporaryFile empty("");
  const TemporaryFile broken(authority().pem() +
                             "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const std::pair<std::string, std::string> table[] = {
      {"/nonexistent/ca.pem", "No such file or directory"},
      {"/tmp", "not a regular file"},
      {empty.path(), "holds no PEM certificate"},
      {broken.path(), "certificate 2 is not a readable PEM certificate"},
  };
  for (const auto& [path, what] : table) {
    EventLoop loop;
    CurlHttp::Settings settings;
    settings.ca_file = path;
    const auto http = CurlHttp::create(loop, settings);
    assert_false(http.has_value());
    assert_text(http.error(), "ca_file " + path + ": " + what);
  }
}

// Proxies.

void the_environment_names_no_proxy(void**) {
  const ScriptedServer server(answer_all, issue(authority(), "DNS:localhost"));
  (void)::setenv("https_proxy", "http://127.0.0.1:1", 1);
  (void)::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  EventLoop loop;
  const auto http = make_http(loop);
  const std::string url = "https://localhost:" + std::to_string(server.port()) + "/";
  assert_true(send(loop, *http, Method::post, url).has_value());
  (void)::unsetenv("https_proxy");
  (void)::unsetenv("ALL_PROXY");
}

runtime::Task<void> hang(CurlHttp* http, HttpRequest request) {
  (void)co_await http->send(std::move(request));
}

// Neither may look like an unreachable pool, because then a local password would be accepted.
void a_request_without_time_or_place_is_not_started(void**) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  assert_int_equal(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  assert_int_equal(::listen(listener.get(), 128), 0);  // connects, and never answers
  assert_int_equal(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";

  EventLoop loop;
  const auto http = make_http(loop);
  assert_failure(send(loop, *http, Method::post, url, milliseconds(0)), HttpFailure::not_started);

  std::vector<EventLoop::Spawned> hanging;
  for (int i = 0; i < 64; ++i)
    hanging.push_back(
        loop.spawn(hang(http.get(), HttpRequest(Method::post, url, loop.now() + seconds(60)))));
  assert_failure(send(loop, *http, Method::post, url), HttpFailure::not_started);
  hanging.pop_back();
  assert_failure(send(loop, *http, Method::post, url, seconds(2)), HttpFailure::timed_out);
}

void a_configured_proxy_is_asked_to_connect(void**) {
  std::string seen;
  const ScriptedServer proxy([&](Peer& peer, int) {
    seen = *peer.read_request();
    (void)peer.write(http_answer(403, ""));
  });
  EventLoop loop;
  const auto http = make_http(loop, proxy.url());
  assert_failure(send(loop, *http, Method::post, "https://pool.example.com/"),
                 HttpFailure::not_connected);
  assert_true(seen.starts_with("CONNECT pool.example.com:443 HTTP/1.1\r\n"));
  assert_true(seen.find("X-Amz-Target") == std::string::npos);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_post_arrives_and_its_answer_comes_back),
      cmocka_unit_test(a_connection_is_kept_and_used_again),
      cmocka_unit_test(requests_may_run_at_the_same_time),
      cmocka_unit_test(an_idle_connection_is_closed_in_time),
      cmocka_unit_test(a_connection_that_the_server_closed_is_not_warm),
      cmocka_unit_test(a_cancelled_request_leaves_nothing_behind),
      cmocka_unit_test(a_request_whose_name_is_being_resolved_can_be_left),
      cmocka_unit_test(a_post_on_a_cut_connection_is_sent_once),
      cmocka_unit_test(a_get_is_sent_once_on_a_connection_of_its_own),
      cmocka_unit_test(nobody_listens),
      cmocka_unit_test(what_this_machine_lacks_is_not_the_servers),
      cmocka_unit_test(a_full_table_of_connections_is_not_the_servers),
      cmocka_unit_test(a_cut_before_tls_stands_is_not_connected),
      cmocka_unit_test(silence_in_the_handshake_is_not_connected),
      cmocka_unit_test(a_probe_tells_silence_from_no_connection),
      cmocka_unit_test(no_ipv6_is_no_route),
      cmocka_unit_test(an_answer_that_is_not_whole_or_not_http),
      cmocka_unit_test(an_endless_body_is_cut_off),
      cmocka_unit_test(endless_headers_are_cut_off),
      cmocka_unit_test(no_answer_ends_at_the_deadline),
      cmocka_unit_test(a_redirect_is_an_answer),
      cmocka_unit_test(plain_http_only_to_a_loopback_address),
      cmocka_unit_test(another_authority_is_refused),
      cmocka_unit_test(another_host_name_is_refused),
      cmocka_unit_test(tls_1_1_is_refused),
      cmocka_unit_test(the_ca_file_is_read_once),
      cmocka_unit_test(a_ca_file_that_cannot_be_used_is_named),
      cmocka_unit_test(the_environment_names_no_proxy),
      cmocka_unit_test(a_request_without_time_or_place_is_not_started),
      cmocka_unit_test(a_configured_proxy_is_asked_to_connect),
  };
  return cmocka_run_group_tests_name("curl_http", tests, nullptr, nullptr);
}
