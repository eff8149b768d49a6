// probe CONDITION NAME: looks NAME up by the functions of libc under a condition.
//
// Prints the passwd line and the groups of the user, or with the condition `reads` how often each
// function read a file. Exit status 2: not found; 3: error, with errno's name; 4: the test failed.

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

std::string answer;
int reads = 0;

void add(const std::string& text) {
  answer += text;
}

int look_up(const char* name) {
  std::array<char, 2048> buffer;
  passwd entry{};
  passwd* found = nullptr;
  const int error = getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) {
    add(std::string(strerrorname_np(error)) + "\n");
    return 3;
  }
  if (found == nullptr) return 2;
  add(std::string(entry.pw_name) + ":" + entry.pw_passwd + ":" + std::to_string(entry.pw_uid) +
      ":" + std::to_string(entry.pw_gid) + ":" + entry.pw_gecos + ":" + entry.pw_dir + ":" +
      entry.pw_shell + "\n");
  const gid_t gid = entry.pw_gid;
  std::array<gid_t, 100> groups{};
  int count = static_cast<int>(groups.size());
  if (getgrouplist(name, gid, groups.data(), &count) < 0) return 3;
  for (int i = 0; i < count; ++i) add(std::to_string(groups[static_cast<std::size_t>(i)]) + " ");
  add("\n");
  return 0;
}

// libc gives the module an array of one place. Prints the groups for which there was place, and how
// many there are.
int look_up_groups(const char* name) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 2048> buffer;
  if (getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return 2;
  for (int size : {1, 2, 3, 4, 100}) {
    std::array<gid_t, 100> groups{};
    const int wanted = size;
    const int status = getgrouplist(name, entry.pw_gid, groups.data(), &size);
    for (int i = 0; i < std::min(size, wanted); ++i)
      add(std::to_string(groups[static_cast<std::size_t>(i)]) + " ");
    add("of " + std::to_string(size) + (status < 0 ? ", too small\n" : "\n"));
  }
  return 0;
}

void add_reads(const char* function) {
  add(std::string(function) + " " + std::to_string(reads) + "\n");
  reads = 0;
}

// Prints how often each function read a file by pread.
int count_reads(const char* name) {
  std::array<char, 8192> buffer{};
  passwd user{};
  passwd* found = nullptr;
  group entry{};
  group* found_group = nullptr;
  std::array<gid_t, 100> groups{};
  int count = static_cast<int>(groups.size());
  getpwnam_r(name, &user, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return 2;
  const uid_t uid = user.pw_uid;
  add_reads("getpwnam");
  getpwuid_r(uid, &user, buffer.data(), buffer.size(), &found);
  add_reads("getpwuid");
  getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found_group);
  add_reads("getgrnam");
  getgrgid_r(uid, &entry, buffer.data(), buffer.size(), &found_group);
  add_reads("getgrgid");
  getgrnam_r("sudo", &entry, buffer.data(), buffer.size(), &found_group);
  add_reads("getgrnam_sudo");
  getgrouplist(name, uid, groups.data(), &count);
  add_reads("getgrouplist");
  getpwnam_r("nobody.here", &user, buffer.data(), buffer.size(), &found);
  add_reads("unknown");
  return 0;
}

void* look_up_in_thread(void* name) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the status is the thread's result.
  return reinterpret_cast<void*>(
      static_cast<std::intptr_t>(look_up(static_cast<const char*>(name))));
}

// A look-up on a stack that is too small must touch the page below it, which ends the process, and
// no address below that page.
constexpr std::size_t kPage = 4096;
constexpr std::size_t kBelow = std::size_t{64} * 1024;
char* guard = nullptr;
const char* wanted = nullptr;

void at_fault(int, siginfo_t* info, void*) {
  const auto* const at = static_cast<const char*>(info->si_addr);
  _exit(at >= guard && at < guard + kPage ? 1 : 2);
}

void look_up_wanted() {
  look_up(wanted);
  _exit(0);
}

[[noreturn]] void on_stack(const char* name, std::size_t size) {
  static std::array<char, 65536> other;
  stack_t handlers{};
  handlers.ss_sp = other.data();
  handlers.ss_size = other.size();
  sigaltstack(&handlers, nullptr);
  struct sigaction action{};
  action.sa_sigaction = at_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
  void* const area = mmap(nullptr, kBelow + kPage + size, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) _exit(4);
  guard = static_cast<char*>(area) + kBelow;
  if (mprotect(guard + kPage, size, PROT_READ | PROT_WRITE) != 0) _exit(4);
  wanted = name;
  static ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = guard + kPage;
  context.uc_stack.ss_size = size;
  makecontext(&context, look_up_wanted, 0);
  setcontext(&context);
  _exit(4);
}

// Prints the number of stacks that were too small, and of those that were left below their guard.
int on_small_stacks(const char* name) {
  look_up(name);  // loads the module
  answer.clear();
  std::array<int, 5> ends{};
  for (std::size_t size = 2 * kPage; size <= 10 * kPage; size += kPage / 4) {
    const pid_t child = fork();
    if (child == 0) on_stack(name, size);
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 4;
    ++ends.at(static_cast<std::size_t>(WEXITSTATUS(status)));
  }
  add(std::string(ends[0] > 0 ? "some" : "none") + " enough, " + (ends[1] > 0 ? "some" : "none") +
      " too small, " + std::to_string(ends[2]) + " overrun\n");
  return ends[4] == 0 ? 0 : 4;
}

bool limit(int resource, rlim_t value) {
  const rlimit limits{value, value};
  return setrlimit(static_cast<__rlimit_resource_t>(resource), &limits) == 0;
}

int in_child(const char* name) {
  const pid_t child = fork();
  if (child == 0) {
    const int status = look_up(name);
    if (write(STDOUT_FILENO, answer.data(), answer.size()) < 0) _exit(4);
    _exit(status);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

int in_thread(const char* name, std::size_t stack) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  pthread_t thread{};
  if (pthread_create(&thread, &attributes, look_up_in_thread, const_cast<char*>(name)) != 0)
    return 4;
  void* status = nullptr;
  pthread_join(thread, &status);
  return static_cast<int>(reinterpret_cast<std::intptr_t>(status));
}

int under(std::string_view condition, const char* name) {
  const int output = dup(STDOUT_FILENO);
  int status = 4;
  if (condition == "none") {
    status = look_up(name);
  } else if (condition == "closed") {  // the file is then descriptor 0
    close(0);
    close(1);
    close(2);
    status = look_up(name);
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) != 0) add("a descriptor is left\n");
  } else if (condition == "nofile") {  // the module is loaded, and no descriptor is free
    look_up("carol");
    answer.clear();
    limit(RLIMIT_NOFILE, 0);
    status = look_up(name);
  } else if (condition == "as") {  // no mapping of a page more, once the module is loaded
    look_up("nobody.here");
    answer.clear();
    limit(RLIMIT_AS, 1);
    status = look_up(name);
  } else if (condition == "fsize") {
    limit(RLIMIT_FSIZE, 0);
    status = look_up(name);
  } else if (condition == "stack") {
    status = in_thread(name, std::size_t{64} * 1024);
  } else if (condition == "guard") {
    status = on_small_stacks(name);
  } else if (condition == "fork") {
    look_up(name);
    answer.clear();
    return in_child(name);
  } else if (condition == "reads") {
    status = count_reads(name);
  } else if (condition == "groups") {
    status = look_up_groups(name);
  } else if (condition == "umask") {
    umask(0777);
    status = look_up(name);
  }
  dup2(output, STDOUT_FILENO);
  if (write(STDOUT_FILENO, answer.data(), answer.size()) < 0) return 4;
  return status;
}

}  // namespace

// The library calls this one, because the program's symbols come first.
extern "C" __attribute__((visibility("default"))) ssize_t pread64(int fd, void* to, size_t size,
                                                                  off64_t offset) {
  ++reads;
  return syscall(SYS_pread64, fd, to, size, offset);
}

int main(int argc, char** argv) {
  if (argc != 3) return 4;
  return under(argv[1], argv[2]);
}
