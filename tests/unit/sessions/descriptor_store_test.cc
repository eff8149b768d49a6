#include "daemon/sessions/descriptor_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using sessions::keep_descriptor;
using sessions::take_kept_descriptor;

constexpr char kName[] = "sessions";

// Replaces systemd's notification socket.
class Manager {
 public:
  Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "pam-cognito-test-" + std::to_string(::getpid());
    std::memcpy(address.sun_path + 1, name.data(), name.size());  // abstract: begins with a NUL
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    assert_int_equal(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }

  struct Message {
    std::string text;
    Fd fd;
  };
  std::optional<Message> receive() {
    std::array<char, 512> text{};
    alignas(cmsghdr) std::array<char, 256> control{};
    iovec part{text.data(), text.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    if (size < 0) return std::nullopt;
    Message message;
    message.text.assign(text.data(), static_cast<std::size_t>(size));
    for (cmsghdr* one = CMSG_FIRSTHDR(&header); one != nullptr; one = CMSG_NXTHDR(&header, one)) {
      if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(one), sizeof fd);
      message.fd = Fd(fd);
    }
    return message;
  }

 private:
  Fd socket_;
};

Fd file(const char* name) {
  return Fd(::memfd_create(name, MFD_CLOEXEC));
}

bool same_file(int a, int b) {
  struct stat first{};
  struct stat second{};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_ino == second.st_ino;
}

void what_is_kept_replaces_what_had_the_name(void**) {
  Manager manager;
  const Fd fd = file("new");
  assert_true(keep_descriptor(kName, fd.get()));
  const auto remove = manager.receive();
  assert_text(remove->text, "FDSTOREREMOVE=1\nFDNAME=sessions");
  const auto store = manager.receive();
  assert_text(store->text, "FDSTORE=1\nFDNAME=sessions\nFDPOLL=0");
  assert_true(same_file(store->fd.get(), fd.get()));
  // A second time there is nothing to say.
  assert_true(keep_descriptor(kName, fd.get()));
  assert_false(manager.receive().has_value());
}

void without_systemd_nothing_is_kept(void**) {
  ::unsetenv("NOTIFY_SOCKET");
  const Fd fd = file("new");
  assert_false(keep_descriptor("another", fd.get()));
  assert_false(static_cast<bool>(take_kept_descriptor(kName)));
}

// Runs `check` in a child that systemd seems to have started with these descriptors, from 3 on. Its
// value is the number of the check that failed, or 0.
void in_a_started_process(const std::vector<std::pair<const char*, int>>& passed,
                          int (*check)(const std::vector<std::pair<const char*, int>>&)) {
  const pid_t child = ::fork();
  if (child == 0) {
    // Out of the way first: what is passed may itself have one of the low numbers.
    std::vector<int> copies;
    for (const auto& [name, fd] : passed) copies.push_back(::fcntl(fd, F_DUPFD, 100));
    std::string names;
    for (std::size_t i = 0; i < passed.size(); ++i) {
      (void)::dup2(copies[i], 3 + static_cast<int>(i));
      names += (i == 0 ? "" : ":") + std::string(passed[i].first);
    }
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(passed.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
    ::_exit(check(passed));
  }
  int status = -1;
  assert_int_equal(::waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

void the_kept_one_comes_back(void**) {
  const Fd other = file("other");
  const Fd kept = file("kept");
  in_a_started_process(
      {{"other", other.get()}, {kName, kept.get()}},
      [](const std::vector<std::pair<const char*, int>>& passed) {
        const Fd taken = take_kept_descriptor(kName);
        if (taken.get() != 4 || !same_file(taken.get(), passed[1].second)) return 1;
        if (::fcntl(taken.get(), F_GETFD) != FD_CLOEXEC) return 2;
        if (::fcntl(3, F_GETFD) != -1) return 3;
        if (::getenv("LISTEN_FDS") != nullptr || ::getenv("LISTEN_FDNAMES") != nullptr) return 4;
        if (take_kept_descriptor(kName)) return 5;
        // It is kept still: to take it away and put it back could lose it.
        Manager manager;
        if (!keep_descriptor(kName, taken.get()) || manager.receive()) return 6;
        // Another one takes its place.
        const Fd next = file("next");
        if (!keep_descriptor(kName, next.get())) return 7;
        if (manager.receive()->text != "FDSTOREREMOVE=1\nFDNAME=sessions") return 8;
        return same_file(manager.receive()->fd.get(), next.get()) ? 0 : 9;
      });
}

void of_duplicates_one_is_left(void**) {
  const Fd first = file("first");
  const Fd second = file("second");
  in_a_started_process({{kName, first.get()}, {kName, second.get()}},
                       [](const std::vector<std::pair<const char*, int>>&) {
                         const Fd taken = take_kept_descriptor(kName);
                         if (taken.get() != 4 || ::fcntl(3, F_GETFD) != -1) return 1;
                         Manager manager;
                         if (!keep_descriptor(kName, taken.get())) return 2;
                         if (manager.receive()->text != "FDSTOREREMOVE=1\nFDNAME=sessions")
                           return 3;
                         return same_file(manager.receive()->fd.get(), taken.get()) ? 0 : 4;
                       });
}

void without_the_name_there_is_none(void**) {
  const Fd other = file("other");
  in_a_started_process({{"other", other.get()}},
                       [](const std::vector<std::pair<const char*, int>>&) {
                         return take_kept_descriptor(kName) ? 1 : 0;
                       });
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_kept_one_comes_back),
      cmocka_unit_test(of_duplicates_one_is_left),
      cmocka_unit_test(without_the_name_there_is_none),
      cmocka_unit_test(what_is_kept_replaces_what_had_the_name),
      cmocka_unit_test(without_systemd_nothing_is_kept),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
