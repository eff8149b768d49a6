#include "pam/facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "common/fd.h"
#include "common/text.h"

namespace pamcognito::pam {
namespace {

// Longer than any host name or terminal that is one.
constexpr std::size_t kMaxFact = 256;

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

}  // namespace

Facts gather_facts(const Handle& pam, int flags) {
  Facts facts;
  facts.real_uid = ::getuid();
  facts.login_uid = read_number("/proc/self/loginuid");
  facts.audit_session = read_number("/proc/self/sessionid");
  facts.tty = printable(pam.item(PAM_TTY), kMaxFact);
  facts.remote_host = printable(pam.item(PAM_RHOST), kMaxFact);
  facts.remote_user = printable(pam.item(PAM_RUSER), kMaxFact);
  facts.flags = static_cast<std::uint32_t>(flags);
  return facts;
}

}  // namespace pamcognito::pam
