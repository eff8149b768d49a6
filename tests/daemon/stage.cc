#include "tests/daemon/stage.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace pamcognito::test {
namespace {

constexpr char kPoolState[] = "/run/pool";
constexpr char kDaemonLog[] = "/run/cognitod.log";
constexpr char kStateDirectory[] = "/run/state";
constexpr char kConfiguration[] = "/etc/pam-cognito/cognitod.conf";
constexpr char kNotifySocket[] = "/run/notify";

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "test set-up: %s\n%s\n", why.c_str(), Cognitod::log().c_str());
  std::abort();
}

// Waits until `there` returns true; the test's own time limit bounds it.
template <class Condition>
void wait_until(Condition there, const char* what) {
  constexpr int tries = 6000;
  for (int i = 0; i < tries; ++i) {
    if (there()) return;
    (void)::usleep(10'000);
  }
  give_up(std::string("waited in vain for ") + what);
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Json::Value parse(const std::string& text) {
  Json::Value value;
  std::istringstream in(text);
  in >> value;
  return value;
}

std::size_t collect(const char* data, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

bool name_is_owned() {
  sd_bus* bus = nullptr;
  if (sd_bus_open_system(&bus) < 0) return false;
  const bool owned = sd_bus_get_name_creds(bus, "org.pamcognito.Auth1", 0, nullptr) >= 0;
  sd_bus_flush_close_unref(bus);
  return owned;
}

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START

// `passed`: the descriptors that the program has from number 3 on.
int run(const char* program, const std::vector<std::string>& arguments, const char* log, uid_t uid,
        const std::vector<int>& passed = {}) {
  const int fd = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  (void)::dup2(fd, STDOUT_FILENO);
  (void)::dup2(fd, STDERR_FILENO);
  // Opened while root: the checkout may lie where that user may not go.
  const int opened = ::open(program, O_RDONLY | O_CLOEXEC);
  // Out of the way of the numbers that are passed.
  constexpr int away = 100;
  const int file = ::fcntl(opened, F_DUPFD_CLOEXEC, away);
  std::vector<int> copies;
  for (const int kept : passed) copies.push_back(::fcntl(kept, F_DUPFD_CLOEXEC, away));
  for (std::size_t i = 0; i < copies.size(); ++i)
    (void)::dup2(copies[i], kFirstPassed + static_cast<int>(i));
  if (uid != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0))
    return 126;
  std::vector<char*> argv{const_cast<char*>(program)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  (void)::fexecve(file, argv.data(), environ);
  return 127;
}

}  // namespace

Pool::Pool() {
  (void)::mkdir(kPoolState, 0755);
  start(0);
}

void Pool::restart() {
  process_.kill();
  start(ready_["port"].asInt());
}

void Pool::start(int port) {
  const std::string ready = std::string(kPoolState) + "/ready.json";
  (void)::unlink(ready.c_str());
  process_ = Child([port] {
    return run(
        PAM_COGNITO_TEST_POOL,
        {"--state", kPoolState, "--seed", PAM_COGNITO_TEST_SEED, "--port", std::to_string(port)},
        "/run/pool.log", 0);
  });
  wait_until([&] { return ::access(ready.c_str(), R_OK) == 0; }, "cognito-pool");
  ready_ = parse(read_file(ready));
}

Json::Value Pool::admin(const std::string& name, const Json::Value& request) {
  const std::string body = Json::writeString(Json::StreamWriterBuilder(), request);
  const std::string url = ready_["admin"].asString() + name;
  const std::string ca_file = ready_["ca_file"].asString();
  std::string answer;
  CURL* curl = ::curl_easy_init();
  (void)::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  (void)::curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file.c_str());
  (void)::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  (void)::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &collect);
  (void)::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  (void)::curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
  const CURLcode code = ::curl_easy_perform(curl);
  long status = 0;
  (void)::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  ::curl_easy_cleanup(curl);
  if (code != CURLE_OK || status != 200)
    give_up("admin " + name + " " + body + ": " + ::curl_easy_strerror(code) + " " + answer);
  return parse(answer);
}

std::string Pool::totp_code(const std::string& user) {
  Json::Value request;
  request["username"] = user;
  return admin("users/totp-code", request)["code"].asString();
}

std::string Pool::message_code(const std::string& user) {
  Json::Value request;
  request["username"] = user;
  request["wait_ms"] = 60'000;
  return admin("inbox/next", request)["message"]["code"].asString();
}

int Pool::count(const std::string& operation) {
  return admin("log/list")["counts"].get(operation, 0).asInt();
}

void Pool::fault(const std::string& on, const std::string& kind, Json::Value more) {
  more["on"] = on;
  more["kind"] = kind;
  (void)admin("faults/add", more);
}

void fresh_state_directory() {
  std::error_code nothing_there;
  std::filesystem::remove_all(kStateDirectory, nothing_there);
  if (::mkdir(kStateDirectory, 0700) != 0 || ::chown(kStateDirectory, kDaemonUid, kDaemonUid) != 0)
    give_up("no state directory");
}

Cognitod::Cognitod(const std::string& configuration) {
  fresh_state_directory();
  write_file(kConfiguration, configuration);
  process_ = Child([] {
    return run(PAM_COGNITO_TEST_DAEMON, {"--state", kStateDirectory}, kDaemonLog, kDaemonUid);
  });
  wait_until(&name_is_owned, "cognitod on the bus");
}

int Cognitod::stop() {
  process_.signal(SIGTERM);
  return process_.wait();
}

Supervisor::Supervisor(const std::string& configuration)
    : notify_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  fresh_state_directory();
  write_file(kConfiguration, configuration);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, kNotifySocket);
  (void)::unlink(kNotifySocket);
  if (::bind(notify_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::chmod(kNotifySocket, 0666) != 0)
    give_up("no notify socket");
  start();
}

void Supervisor::start() {
  process_ = Child([this] {
    (void)::setenv("NOTIFY_SOCKET", kNotifySocket, 1);
    std::vector<int> passed;
    std::string names;
    for (const auto& [name, fd] : kept_) {
      passed.push_back(fd.get());
      names += (names.empty() ? "" : ":") + name;
    }
    if (!passed.empty()) {
      (void)::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
      (void)::setenv("LISTEN_FDS", std::to_string(passed.size()).c_str(), 1);
      (void)::setenv("LISTEN_FDNAMES", names.c_str(), 1);
    }
    return run(PAM_COGNITO_TEST_DAEMON, {"--state", kStateDirectory}, kDaemonLog, kDaemonUid,
               passed);
  });
  wait_for("READY=1");
}

void Supervisor::restart() {
  process_.signal(SIGTERM);
  (void)process_.wait();
  take_waiting();
  start();
}

void Supervisor::kill_and_start() {
  process_.kill();
  take_waiting();
  start();
}

std::string Supervisor::reload(const std::string& configuration) {
  write_file(kConfiguration, configuration);
  process_.signal(SIGHUP);
  wait_for("RELOADING=1");
  return wait_for("READY=1");
}

std::string Supervisor::wait_for(const std::string& word) {
  for (;;) {
    pollfd there{.fd = notify_.get(), .events = POLLIN, .revents = 0};
    constexpr int timeout_ms = 60'000;
    if (::poll(&there, 1, timeout_ms) <= 0) give_up("waited in vain for " + word);
    const std::string message = take_one();
    if (message.contains(word)) return message;
  }
}

void Supervisor::take_waiting() {
  pollfd there{.fd = notify_.get(), .events = POLLIN, .revents = 0};
  while (::poll(&there, 1, 0) > 0) (void)take_one();
}

// One notification (sd_notify(3)), and what is to be kept of it.
std::string Supervisor::take_one() {
  char text[4096];
  iovec part{.iov_base = text, .iov_len = sizeof(text)};
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  const ssize_t size = ::recvmsg(notify_.get(), &header, MSG_CMSG_CLOEXEC);
  if (size < 0) give_up("the notify socket");
  const std::string message(text, static_cast<std::size_t>(size));
  Fd passed;
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&header); part_of != nullptr;
       part_of = CMSG_NXTHDR(&header, part_of)) {
    if (part_of->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part_of), sizeof(fd));
    passed.reset(fd);
  }
  const std::size_t at = message.find("FDNAME=");
  if (at == std::string::npos) return message;
  const std::string name = message.substr(at + 7, message.find('\n', at) - at - 7);
  if (message.contains("FDSTOREREMOVE=1"))
    kept_.erase(name);
  else if (message.contains("FDSTORE=1") && passed)
    kept_[name] = std::move(passed);
  return message;
}

std::string Cognitod::log() {
  return read_file(kDaemonLog);
}

void Cognitod::wait_for_log(const std::string& words, std::size_t from) {
  wait_until([&] { return log().find(words, from) != std::string::npos; }, words.c_str());
}

std::string without_references(std::string text) {
  constexpr std::string_view kStart = " (Ref ";
  for (std::size_t found = text.find(kStart); found != std::string::npos; found = text.find(kStart))
    text.erase(found, text.find(')', found) - found + 1);
  return text;
}

std::string configuration_for(const Pool& pool, const std::string& more) {
  const Json::Value& ready = pool.ready();
  std::string text = "[pool]\n";
  for (const char* key :
       {"region", "user_pool_id", "client_id", "endpoint", "issuer", "jwks_uri", "ca_file"})
    text += std::string(key) + " = " + ready[key].asString() + "\n";
  text += "[access]\nallow_groups = linux-users\n[mfa]\nenroll = never\n";
  return text + more;
}

void set_up_accounts() {
  std::string passwd = "root:x:0:0::/:/bin/sh\ncognitod:x:990:990::/:/bin/sh\n";
  std::string names;
  unsigned uid = 1001;
  for (const char* name : {"alice", "bob", "carol", "dave", "erin", "frank", "mallory", "oscar",
                           "nobody-knows", "lena", "Alice"}) {
    const std::string id = std::to_string(uid++);
    passwd += std::string(name) + ":x:" + id + ":" + id + "::/:/bin/sh\n";
    names += std::string(names.empty() ? "" : " ") + name;
  }
  write_file("/etc/passwd", passwd + "localuser:x:1900:1900::/:/bin/sh\n");
  write_file("/etc/group", "root:x:0:\ncognito-users:x:2000:\n");
  set_users_conf("users=" + names + "\n");
}

}  // namespace pamcognito::test
