#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace pamcognito::test {

// What ctest takes for "skipped".
inline constexpr int kSkipped = 77;

// Gives this process a mount namespace of its own, in which /etc, /run and /dev are the test's: its
// own users, users.conf, system bus (none at first) and syslog (none at first). Nothing on the
// machine changes, and all of it goes with the process. Ends the process with kSkipped, saying why,
// where that is not possible.
void enter_sandbox();

// A fresh, empty /run: no bus. For a child that wants a bus of its own beside its parent's.
void empty_run_directory();

// Whole or not at all, by rename: who reads the file meanwhile, libpam in another process for
// example, never sees it empty.
void write_file(const std::string& path, const std::string& text, mode_t mode = 0644);

// The users of the sandbox's /etc/passwd. "Ours" needs kUsersConf.
inline constexpr char kOurs[] = "alice";           // uid 1001, member of cognito-users
inline constexpr char kOursByPrimary[] = "carol";  // uid 1003, its primary group is cognito-users
inline constexpr char kNotOurs[] = "bob";          // uid 1002
inline constexpr uid_t kOursUid = 1001;
inline constexpr char kUsersConf[] = "group=cognito-users\nexclude=admin\n";

// Sets users.conf; the empty text removes it.
void set_users_conf(const std::string& text);

// How long a test waits for another process of its own before it fails and says for what. Generous:
// only a red test waits so long.
inline constexpr int kPatienceSeconds = 120;
// False: `fd` has neither data nor reached its end after this time.
[[nodiscard]] bool becomes_readable(int fd);

// A child process; killed and reaped by the destructor.
class Child {
 public:
  Child() = default;
  // Runs `function` in a forked child, which ends with what it returns.
  explicit Child(const std::function<int()>& function);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  void signal(int number) const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The exit status; -1 if it was killed, as it is if it does not end in that time.
  int wait();
  void kill();

 private:
  pid_t pid_ = -1;
};

// A dbus-daemon of the test's own at the system bus's address. Ready when the constructor returns.
class PrivateBus {
 public:
  // more: lines of its configuration.
  explicit PrivateBus(const std::string& more = "");
  // SIGSTOP, SIGCONT.
  void signal(int number) const { daemon_.signal(number); }
  void kill();

 private:
  Child daemon_;
};

// Collects what is sent to /dev/log. At most one at a time.
class Syslog {
 public:
  Syslog();
  Syslog(const Syslog&) = delete;
  Syslog& operator=(const Syslog&) = delete;
  ~Syslog();
  // All lines since the last call, each with a newline.
  std::string take();

 private:
  int socket_;
};

}  // namespace pamcognito::test
