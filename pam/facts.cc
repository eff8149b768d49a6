#include "pam/facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "common/fd.h"
#include "common/protocol_limits.h"
#include "common/text.h"
#include "pam/transaction.h"

namespace pamcognito::pam {
namespace {

// What the kernel shows for an audit id that was never set.
constexpr std::uint32_t kUnset = 0xffffffff;

// A decimal number in a file of /proc; nullopt where the kernel has no audit.
std::optional<std::uint32_t> read_number(const char* path) {
  const Fd fd = above_stdio(Fd(::open(path, O_RDONLY | O_CLOEXEC)));
  if (!fd) return std::nullopt;
  std::array<char, 16> text{};
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + size, value);
  if (error != std::errc() || (end != text.data() + size && *end != '\n')) return std::nullopt;
  return value;
}

// All that runs under user@UID.service is one login to the kernel, whichever of the user's logins
// started it (systemd-user's own PAM stack sets the audit ids): a factor given in one of them must
// not count for all. What cannot be read may be there, too.
bool may_be_under_user_manager() {
  constexpr std::size_t kMost = 8192;
  const Fd fd = above_stdio(Fd(::open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC)));
  if (!fd) return true;
  std::string text(kMost, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(fd.get(), text.data() + size, text.size() - size);
    if (count < 0) return true;
    if (count == 0) return text.find("/user@") != std::string::npos;
    size += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

bool Facts::is_in_login_of_user() const noexcept {
  return login_uid == user_uid && audit_session.value_or(kUnset) != kUnset;
}

Facts gather_facts(const Handle& pam, uid_t user_uid, int flags) {
  Facts facts;
  facts.real_uid = ::getuid();
  facts.user_uid = user_uid;
  facts.login_uid = read_number("/proc/self/loginuid");
  if (!may_be_under_user_manager()) facts.audit_session = read_number("/proc/self/sessionid");
  facts.tty = printable(pam.item(PAM_TTY), protocol::kMaxFactText);
  facts.remote_host = printable(pam.item(PAM_RHOST), protocol::kMaxFactText);
  facts.remote_user = printable(pam.item(PAM_RUSER), protocol::kMaxFactText);
  facts.flags = static_cast<std::uint32_t>(flags);
  facts.log_id = log_id(pam.get());
  return facts;
}

}  // namespace pamcognito::pam
