#include "tests/module/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ios>
#include <memory>
#include <utility>

namespace pamcognito::test {
namespace {

[[noreturn]] void skip_all(const char* why) {
  std::fprintf(stderr, "SKIPPED: %s (%s)\n", why, std::strerror(errno));
  std::exit(kSkipped);
}

// Reports an error in the set-up of the test.
void must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "test set-up: %s: %s\n", what, std::strerror(errno));
  std::abort();
}

void mount_tmpfs(const char* path) {
  must(::mount("tmpfs", path, "tmpfs", MS_NOSUID, "mode=0755") == 0, path);
}

void own_devices() {
  const std::string fresh = "/run/dev";
  must(::mkdir(fresh.c_str(), 0755) == 0, "mkdir /run/dev");
  mount_tmpfs(fresh.c_str());
  for (const char* name : {"null", "zero", "random", "urandom"}) {
    const std::string target = fresh + "/" + name;
    write_file(target, "");
    must(::mount((std::string("/dev/") + name).c_str(), target.c_str(), nullptr, MS_BIND,
                 nullptr) == 0,
         name);
  }
  must(::mount(fresh.c_str(), "/dev", nullptr, MS_MOVE, nullptr) == 0, "move to /dev");
}

void own_users() {
  write_file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\n");
  write_file("/etc/passwd",
             "root:x:0:0::/:/bin/sh\n"
             "daemon:x:999:999::/:/bin/sh\n"
             "alice:x:1001:1001::/:/bin/sh\n"
             "bob:x:1002:1002::/:/bin/sh\n"
             "carol:x:1003:2000::/:/bin/sh\n"
             "dave$:x:1004:1004::/:/bin/sh\n"
             "admin:x:1010:1010::/:/bin/sh\n"
             "dynamic:x:61184:61184::/:/bin/sh\n"
             "nobody:x:65534:65534::/:/bin/sh\n");
  write_file("/etc/group",
             "root:x:0:\n"
             "cognito-users:x:2000:root,daemon,alice,admin,dave$,dynamic,nobody\n");
  must(::mkdir("/etc/pam-cognito", 0755) == 0, "mkdir /etc/pam-cognito");
}

}  // namespace

void enter_sandbox() {
  if (::geteuid() != 0) skip_all("the module's tests need root for a mount namespace of their own");
  if (::unshare(CLONE_NEWNS) != 0) skip_all("no mount namespace to be had");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    skip_all("mounts cannot be made private");
  if (::mount("tmpfs", "/etc", "tmpfs", MS_NOSUID, "mode=0755") != 0)
    skip_all("a tmpfs cannot be mounted");
  empty_run_directory();
  own_devices();
  own_users();
  set_users_conf(kUsersConf);
}

void empty_run_directory() {
  mount_tmpfs("/run");
  must(::mkdir("/run/dbus", 0755) == 0, "mkdir /run/dbus");
}

void write_file(const std::string& path, const std::string& text, mode_t mode) {
  const std::string fresh = path + ".new-" + std::to_string(::getpid());
  std::ofstream(fresh, std::ios::trunc) << text;
  must(::chmod(fresh.c_str(), mode) == 0, fresh.c_str());
  must(::rename(fresh.c_str(), path.c_str()) == 0, path.c_str());
}

bool becomes_readable(int fd) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceSeconds);
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd poll{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&poll, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

void set_users_conf(const std::string& text) {
  const std::string path = "/etc/pam-cognito/users.conf";
  if (text.empty()) {
    (void)::unlink(path.c_str());
  } else {
    write_file(path, text);
  }
}

Child::Child(const std::function<int()>& function) : pid_(::fork()) {
  must(pid_ >= 0, "fork");
  if (pid_ > 0) return;
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::_exit(function());
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

Child::~Child() {
  kill();
}

void Child::signal(int number) const {
  if (pid_ > 0) must(::kill(pid_, number) == 0, "kill");
}

int Child::wait() {
  const pid_t pid = std::exchange(pid_, -1);
  if (pid <= 0) return -1;
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));  // pidfd_open(2)
  if (fd >= 0 && !becomes_readable(fd)) {
    std::fprintf(stderr, "a child process did not end within %d s, and was killed\n",
                 kPatienceSeconds);
    (void)::kill(pid, SIGKILL);
  }
  (void)::close(fd);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Child::kill() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  (void)wait();
}

PrivateBus::PrivateBus(const std::string& more) {
  write_file("/etc/test-bus.conf",
             "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
             " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
             "<busconfig><type>system</type><auth>EXTERNAL</auth>\n"
             "<listen>unix:path=/run/dbus/system_bus_socket</listen>\n"
             "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"
             "<allow send_type=\"method_call\"/><allow send_type=\"signal\"/>\n"
             "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
             "<allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
             "<allow receive_type=\"method_call\"/><allow receive_type=\"signal\"/>\n"
             "<allow receive_type=\"method_return\"/><allow receive_type=\"error\"/>\n"
             "<allow send_destination=\"org.freedesktop.DBus\"/></policy>\n"
             "<limit name=\"max_connections_per_user\">100000</limit>\n"
             // The shipped bus policy. The daemon of the test is root.
             "<include>" PAM_COGNITO_TEST_BUS_POLICY
             "</include>\n"
             "<policy user=\"root\"><allow own=\"org.pamcognito.Auth1\"/></policy>\n" +
                 more + "</busconfig>\n");
  int ready[2];
  must(::pipe2(ready, O_CLOEXEC) == 0, "pipe");
  daemon_ = Child([&] {
    const int print_to = ::dup(ready[1]);  // without close-on-exec
    const std::string print = "--print-address=" + std::to_string(print_to);
    // It reports limits that it cannot raise.
    (void)::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    ::execlp("dbus-daemon", "dbus-daemon", "--config-file=/etc/test-bus.conf", "--nofork",
             "--nopidfile", "--nosyslog", print.c_str(), nullptr);
    return 127;
  });
  (void)::close(ready[1]);
  char address[256];
  const ssize_t got = becomes_readable(ready[0]) ? ::read(ready[0], address, sizeof(address)) : 0;
  (void)::close(ready[0]);
  must(got > 0, "dbus-daemon (Debian package dbus-daemon) did not start");
}

void PrivateBus::kill() {
  daemon_.kill();
  (void)::unlink("/run/dbus/system_bus_socket");
}

namespace {
std::unique_ptr<PrivateBus> g_shared_bus;
}  // namespace

int start_private_bus(void**) {
  g_shared_bus = std::make_unique<PrivateBus>();
  return 0;
}

int stop_private_bus(void**) {
  g_shared_bus.reset();
  return 0;
}

Syslog::Syslog() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/dev/log");
  must(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0,
       "bind /dev/log");
}

Syslog::~Syslog() {
  (void)::close(socket_);
  (void)::unlink("/dev/log");
  ::closelog();
}

std::string Syslog::take() {
  std::string lines;
  char line[4096];
  ssize_t size = 0;
  while ((size = ::recv(socket_, line, sizeof(line), 0)) > 0)
    lines.append(line, static_cast<std::size_t>(size)).append("\n");
  return lines;
}

}  // namespace pamcognito::test
