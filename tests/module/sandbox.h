#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace pamcognito::test {

// The exit status that ctest counts as skipped.
inline constexpr int kSkipped = 77;

// Gives this process its own mount namespace with its own /etc, /run and /dev: users, users.conf,
// system bus and syslog of the test, of which the last two do not exist at first. Nothing on the
// machine changes, and everything ends with the process. If this is not possible, the process ends
// with kSkipped and prints the reason.
void enter_sandbox();

// Mounts a new, empty /run, without a bus. For a child that needs a bus of its own.
void empty_run_directory();

// Writes the file by rename, so that a concurrent reader, such as libpam in another process, never
// sees a part of it.
void write_file(const std::string& path, const std::string& text, mode_t mode = 0644);

// The users in /etc/passwd of the sandbox. kCognitoUser and kPrimaryGroupUser are Cognito users
// with kUsersConf.
inline constexpr char kCognitoUser[] = "alice";  // uid 1001, member of cognito-users
inline constexpr char kPrimaryGroupUser[] =
    "carol";                                 // uid 1003, its primary group is cognito-users
inline constexpr char kLocalUser[] = "bob";  // uid 1002
inline constexpr uid_t kCognitoUserUid = 1001;
inline constexpr char kUsersConf[] = "group=cognito-users\nexclude=admin\n";

// Writes users.conf; an empty text removes it.
void set_users_conf(const std::string& text);

// The time for which a test waits for another process of its own before it fails and names that
// process. Only a failing test waits so long.
inline constexpr int kPatienceSeconds = 120;
// Returns false if `fd` has no data and has not reached its end after this time.
[[nodiscard]] bool becomes_readable(int fd);

// A child process. The destructor kills and reaps it.
class Child {
 public:
  Child() = default;
  // Runs `function` in a forked child, whose exit status is the result.
  explicit Child(const std::function<int()>& function);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  void signal(int number) const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The exit status; -1 if the child was killed, also for not ending in that time.
  int wait();
  void kill();

 private:
  pid_t pid_ = -1;
};

// A dbus-daemon of the test at the address of the system bus. It is ready when the constructor
// returns.
class PrivateBus {
 public:
  // `more` has lines for its configuration.
  explicit PrivateBus(const std::string& more = "");
  // Send SIGSTOP and SIGCONT.
  void signal(int number) const { daemon_.signal(number); }
  void kill();

 private:
  Child daemon_;
};
// Set-up and tear-down of a cmocka group whose tests share one PrivateBus.
int start_private_bus(void**);
int stop_private_bus(void**);

// Collects the messages to /dev/log. At most one object at a time.
class Syslog {
 public:
  Syslog();
  Syslog(const Syslog&) = delete;
  Syslog& operator=(const Syslog&) = delete;
  ~Syslog();
  // Returns all lines since the last call, each with a newline.
  std::string take();

 private:
  int socket_;
};

}  // namespace pamcognito::test
