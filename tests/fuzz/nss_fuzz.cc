// libFuzzer target of libnss_cognitod: the functions that libc calls, with a case as their files.
//
// Each question is asked twice: without the fault of the case, and with it. A fault may end a
// look-up with UNAVAIL or TRYAGAIN, and must change no other answer. With NSS_FUZZ_ANSWERS=FILE the
// answers without fault are appended to FILE, for the comparison with the model in Python.

#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <nss.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "nss/accounts_conf.h"
#include "nss/accounts_format.h"
#include "nss/reserved_names.h"
#include "tests/fuzz/nss_case.h"

extern "C" {
struct r_debug fuzz_r_debug;

nss_status _nss_cognitod_getpwnam_r(const char*, passwd*, char*, std::size_t, int*);
nss_status _nss_cognitod_getpwuid_r(uid_t, passwd*, char*, std::size_t, int*);
nss_status _nss_cognitod_getgrnam_r(const char*, group*, char*, std::size_t, int*);
nss_status _nss_cognitod_getgrgid_r(gid_t, group*, char*, std::size_t, int*);
nss_status _nss_cognitod_initgroups_dyn(const char*, gid_t, long*, long*, gid_t**, long, int*);
nss_status _nss_cognitod_setpwent(int);
nss_status _nss_cognitod_endpwent();
nss_status _nss_cognitod_getpwent_r(passwd*, char*, std::size_t, int*);
nss_status _nss_cognitod_setgrent(int);
nss_status _nss_cognitod_endgrent();
nss_status _nss_cognitod_getgrent_r(group*, char*, std::size_t, int*);
}

namespace {

using namespace nss_fuzz;
using namespace pamcognito::accounts;

[[noreturn]] void report(const char* what) {
  std::fprintf(stderr, "nss_fuzz: %s\n", what);
  std::abort();
}
void need(bool condition, const char* what) {
  if (!condition) report(what);
}

// --- the machine that the reader sees

constexpr int kAccountsFd = 1000;
constexpr int kConfFd = 1001;

struct Machine {
  const Case* one = nullptr;
  Fault fault = Fault::none;
  int reads = 0;
  int open_files = 0;
  bool touched = false;  // a file was asked for
};
Machine machine;

bool is_conf(const char* path) {
  return std::string_view(path).starts_with(kConfDirectory);
}
bool has_file_fault(Fault fault, bool conf) {
  return machine.fault == fault && conf == ((machine.one->fault_at & 1U) != 0);
}
int failed(int error) {
  errno = error;
  return -1;
}

}  // namespace

int fuzz_fstatat(int directory, const char* path, struct stat* status, int flags) {
  need(directory == AT_FDCWD && flags == AT_SYMLINK_NOFOLLOW, "fstatat: arguments");
  const bool conf = is_conf(path);
  need(std::string_view(path) == (conf ? kConfDirectory : kDirectory), "fstatat: path");
  machine.touched = true;
  if (has_file_fault(Fault::directory_missing, conf)) return failed(ENOENT);
  *status = {};
  status->st_mode = S_IFDIR | 0755U;
  if (has_file_fault(Fault::directory_of_another, conf)) status->st_uid = 990;
  if (has_file_fault(Fault::directory_writable, conf)) status->st_mode = S_IFDIR | 0775U;
  if (has_file_fault(Fault::directory_is_file, conf)) status->st_mode = S_IFREG | 0755U;
  return 0;
}

int fuzz_open(const char* path, int flags) {
  const bool conf = is_conf(path);
  need(std::string_view(path) == (conf ? kConfPath : kPath), "open: path");
  need(flags == (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW), "open: flags");
  if (has_file_fault(Fault::no_descriptor, conf)) return failed(EMFILE);
  if (has_file_fault(Fault::file_missing, conf)) return failed(ENOENT);
  if (has_file_fault(Fault::open_interrupted, conf)) return failed(EINTR);
  ++machine.open_files;
  return conf ? kConfFd : kAccountsFd;
}

int fuzz_fstat(int fd, struct stat* status) {
  const bool conf = fd == kConfFd;
  need(conf || fd == kAccountsFd, "fstat: descriptor");
  if (has_file_fault(Fault::no_status, conf)) return failed(EIO);
  *status = {};
  status->st_mode = S_IFREG | 0644U;
  status->st_size = static_cast<off_t>((conf ? machine.one->conf : machine.one->file).size());
  if (has_file_fault(Fault::file_of_another, conf)) status->st_uid = 990;
  if (has_file_fault(Fault::file_writable, conf)) status->st_mode = S_IFREG | 0646U;
  if (has_file_fault(Fault::file_is_fifo, conf)) status->st_mode = S_IFIFO | 0644U;
  return 0;
}

ssize_t fuzz_pread(int fd, void* to, std::size_t size, off_t offset) {
  need(fd == kConfFd || fd == kAccountsFd, "pread: descriptor");
  const std::string& file = fd == kConfFd ? machine.one->conf : machine.one->file;
  const int number = machine.reads++;
  const int wanted = machine.one->fault_at % 8;
  const bool now = number == wanted;
  switch (machine.fault) {
    case Fault::interrupted_once:
      if (now) return failed(EINTR);
      break;
    case Fault::interrupted_for_ever:
      if (number >= wanted) return failed(EINTR);
      break;
    case Fault::one_byte_each:
      size = std::min<std::size_t>(size, static_cast<std::size_t>(1 + number % 3));
      break;
    case Fault::input_error:
      if (now) return failed(EIO);
      break;
    case Fault::no_memory:
      if (now) return failed(ENOMEM);
      break;
    case Fault::end_of_file:
      if (number >= wanted) return 0;
      break;
    default:
      break;
  }
  need(offset >= 0, "pread: offset");
  const auto from = static_cast<std::uint64_t>(offset);
  if (from >= file.size()) return 0;
  const std::size_t got = std::min<std::uint64_t>(size, file.size() - from);
  if (machine.fault == Fault::zeros_from_now && number >= wanted)
    std::memset(to, 0, got);
  else
    std::memcpy(to, file.data() + from, got);
  return static_cast<ssize_t>(got);
}

int fuzz_close(int fd) {
  need(fd == kConfFd || fd == kAccountsFd, "close: descriptor");
  --machine.open_files;
  errno = EBADF;  // a look-up must not show it
  return 0;
}

extern "C" void* fuzz_realloc(void* old, std::size_t size) {
  need(machine.fault != Fault::static_program, "realloc in a static program");
  return machine.fault == Fault::no_realloc ? nullptr : std::realloc(old, size);
}

namespace {

// --- questions

struct Answer {
  int status = 0;
  int error = 0;
  std::string content;  // as JSON

  bool operator==(const Answer&) const = default;
};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    need(c >= ' ' && c <= '~', "a text is not printable");
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The caller's buffer: exactly its size, so that the sanitizer sees each byte beside it.
class Space {
 public:
  explicit Space(const Question& question)
      : gap_(8 - question.gap % 8), size_(question.size), memory_(new char[gap_ + size_ + 1]) {
    std::fill_n(memory_.get(), gap_ + size_ + 1, '\x5a');
  }
  // The byte behind is memory_'s last one, which nobody may write.
  char* at() { return memory_.get() + gap_; }
  std::size_t size() const { return size_; }

  std::string_view text(const char* text) {
    need(text >= at() && text < at() + size_, "a text is outside the buffer");
    const auto most = static_cast<std::size_t>(at() + size_ - text);
    const std::size_t size = ::strnlen(text, most);
    need(size < most, "a text has no end");
    return {text, size};
  }
  void check() {
    need(memory_[gap_ + size_] == '\x5a' &&
             std::all_of(memory_.get(), at(), [](char c) { return c == '\x5a'; }),
         "bytes beside the buffer are changed");
  }

 private:
  std::size_t gap_;
  std::size_t size_;
  std::unique_ptr<char[]> memory_;
};

template <class Entry>
struct Asked {
  Entry entry;
  int status;
  int error = 0;
};

// `call` gets entry, buffer, its size, and errno's place.
template <class Entry, class Call>
Asked<Entry> ask(Space& space, Call call) {
  Asked<Entry> asked;
  std::memset(&asked.entry, 0xA5, sizeof(Entry));
  const Entry before = asked.entry;
  errno = EDOM;
  asked.status = call(&asked.entry, space.at(), space.size(), &asked.error);
  need(errno == EDOM, "errno changed");  // the caller's error is in `error`
  space.check();
  need(machine.open_files == 0, "a descriptor is left");
  if (asked.status != NSS_STATUS_SUCCESS)
    need(std::memcmp(&before, &asked.entry, sizeof(Entry)) == 0, "the entry changed");
  return asked;
}

void check_user(std::string_view name, std::uint32_t uid) {
  need(is_account_name(name.data(), name.size()), "a name has another grammar");
  need(!is_reserved_name(name.data(), name.size()), "a name is reserved");
  need(uid >= kLowestUid && uid <= kHighestUid, "a uid is out of range");
}

std::string shown(Space& space, const passwd& entry) {
  const std::string_view name = space.text(entry.pw_name);
  check_user(name, entry.pw_uid);
  need(entry.pw_uid == entry.pw_gid && space.text(entry.pw_passwd) == "*" &&
           space.text(entry.pw_gecos).empty(),
       "passwd: fields");
  const std::string_view home = space.text(entry.pw_dir);
  const std::string_view shell = space.text(entry.pw_shell);
  need(home.starts_with('/') && home.contains(name) && shell.starts_with('/'), "passwd: paths");
  return "[" + quoted(name) + "," + std::to_string(entry.pw_uid) + "," +
         std::to_string(entry.pw_gid) + ",\"\"," + quoted(home) + "," + quoted(shell) + "]";
}

std::string shown(Space& space, const group& entry) {
  const std::string_view name = space.text(entry.gr_name);
  need(is_account_name(name.data(), name.size()) && entry.gr_gid != 0 &&
           space.text(entry.gr_passwd) == "*",
       "group: fields");
  std::string members;
  for (char** at = entry.gr_mem;; ++at) {
    need(reinterpret_cast<std::uintptr_t>(at) % alignof(char*) == 0, "pointers are not aligned");
    const auto* const byte = reinterpret_cast<char*>(at);
    need(byte >= space.at() && byte + sizeof(char*) <= space.at() + space.size(),
         "pointers are outside the buffer");
    if (*at == nullptr) break;
    const std::string_view member = space.text(*at);
    check_user(member, kLowestUid);
    members += (members.empty() ? "" : ",") + quoted(member);
  }
  return "[" + quoted(name) + "," + std::to_string(entry.gr_gid) + ",[" + members + "]]";
}

template <class Entry, class Call>
Answer answer_of(const Question& question, Call call) {
  Space space(question);
  const Asked<Entry> asked = ask<Entry>(space, call);
  return {asked.status, asked.error,
          asked.status == NSS_STATUS_SUCCESS ? shown(space, asked.entry) : "null"};
}

template <class Entry, class Call>
Answer list_of(const Question& question, Call call) {
  std::string listed;
  for (std::size_t i = 0; i < kMaxListed; ++i) {
    const Answer one = answer_of<Entry>(question, call);
    if (one.status != NSS_STATUS_SUCCESS) return {one.status, one.error, "[" + listed + "]"};
    listed += (listed.empty() ? "" : ",") + one.content;
  }
  return {NSS_STATUS_SUCCESS, 0, "[" + listed + "]"};
}

Answer groups_of(const Question& question, const char* name) {
  std::size_t present = question.present % (kPresent.size() + 1);
  auto* groups = static_cast<gid_t*>(std::malloc(kPlaces * sizeof(gid_t)));
  std::copy_n(kPresent.begin(), present, groups);
  long start = static_cast<long>(present);
  long size = kPlaces;
  int error = 0;
  const int status = _nss_cognitod_initgroups_dyn(name, question.primary, &start, &size, &groups,
                                                  question.limit % 8, &error);
  need(machine.open_files == 0, "a descriptor is left");
  need(start >= static_cast<long>(present) && start <= size, "the array overflows");
  if (status < 0) need(start == static_cast<long>(present), "groups of a failed call");
  std::string content;
  for (long i = 0; i < start; ++i)
    content += (content.empty() ? "" : ",") + std::to_string(groups[i]);
  std::free(groups);
  return {status, error, status < 0 ? "null" : "[" + content + "]"};
}

Answer answer(const Question& question) {
  const std::string name(question.name.data(), ::strnlen(question.name.data(), 32));
  const char* const key = name.c_str();
  switch (static_cast<Kind>(question.kind % kKinds)) {
    case Kind::getpwnam:
      return answer_of<passwd>(
          question, [&](auto... rest) { return _nss_cognitod_getpwnam_r(key, rest...); });
    case Kind::getpwuid:
      return answer_of<passwd>(
          question, [&](auto... rest) { return _nss_cognitod_getpwuid_r(question.id, rest...); });
    case Kind::getgrnam:
      return answer_of<group>(question,
                              [&](auto... rest) { return _nss_cognitod_getgrnam_r(key, rest...); });
    case Kind::getgrgid:
      return answer_of<group>(
          question, [&](auto... rest) { return _nss_cognitod_getgrgid_r(question.id, rest...); });
    case Kind::initgroups:
      return groups_of(question, key);
    case Kind::list_users: {
      _nss_cognitod_setpwent(0);
      Answer list = list_of<passwd>(question, _nss_cognitod_getpwent_r);
      _nss_cognitod_endpwent();
      return list;
    }
    case Kind::list_groups: {
      _nss_cognitod_setgrent(0);
      Answer list = list_of<group>(question, _nss_cognitod_getgrent_r);
      _nss_cognitod_endgrent();
      return list;
    }
  }
  return {};
}

Answer answer_with(const Case& one, const Question& question, Fault fault) {
  machine = {.one = &one, .fault = fault};
  fuzz_r_debug.r_version = fault == Fault::static_program ? 0 : 1;
  return answer(question);
}

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR || error == EAGAIN;
}

void check(const Answer& answer) {
  switch (answer.status) {
    case NSS_STATUS_TRYAGAIN:
      need(answer.error == ERANGE || is_shortage(answer.error), "TRYAGAIN of another error");
      break;
    case NSS_STATUS_UNAVAIL:
      need(answer.error != 0 && answer.error != ERANGE && !is_shortage(answer.error),
           "UNAVAIL of another error");
      break;
    case NSS_STATUS_NOTFOUND:
    case NSS_STATUS_SUCCESS:
      need(answer.error == 0, "an error without failure");
      break;
    default:
      report("an unknown status");
  }
}

// A directory of zeros is that of a file without users.
bool is_repaired(const Case& one, Fault fault, const Answer& plain, const Answer& other) {
  if (fault != Fault::zeros_from_now || one.file.size() < sizeof(Header)) return false;
  Header header;
  std::memcpy(&header, one.file.data(), sizeof(header));
  return header.user_count == 0 && plain.status == NSS_STATUS_UNAVAIL &&
         other.status == NSS_STATUS_NOTFOUND;
}

std::uint64_t look_ups = 0;

void print_look_ups() {
  std::fprintf(stderr, "nss_fuzz: %" PRIu64 " look-ups\n", look_ups);
}

std::FILE* answers() {
  static std::FILE* const file = [] {
    const char* const path = std::getenv("NSS_FUZZ_ANSWERS");
    return path == nullptr ? nullptr : std::fopen(path, "ae");
  }();
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  ::atexit(print_look_ups);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Case one = parse(data, size);
  const auto fault = static_cast<Fault>(one.fault);
  std::string line;
  for (const Question& question : one.questions) {
    const Answer plain = answer_with(one, question, Fault::none);
    check(plain);
    if (plain.status == NSS_STATUS_TRYAGAIN) need(plain.error == ERANGE, "a failure without cause");
    line += (line.empty() ? "[" : ",[") + std::to_string(plain.status) + "," +
            std::to_string(plain.error) + "," + plain.content + "]";
    ++look_ups;
    if (fault == Fault::none) continue;
    const Answer other = answer_with(one, question, fault);
    ++look_ups;
    check(other);
    if (is_harmless(fault))
      need(other == plain, "a harmless fault changed an answer");
    else
      need(other == plain || other.status < 0 || is_repaired(one, fault, plain, other),
           "a fault changed an answer");
  }
  if (answers() != nullptr) {
    std::fprintf(answers(), "%016" PRIx64 " [%s]\n", fnv_bytes(kFnvStart, data, size),
                 line.c_str());
    std::fflush(answers());
  }
  return 0;
}
