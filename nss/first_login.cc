#include "nss/first_login.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "nss/hmac_sha256.h"
#include "nss/reserved_names.h"

namespace pamcognito::accounts {
namespace {

using conf_text::ends_with;
using conf_text::part;
using conf_text::take_word;

// The key's bytes, wiped.
struct FleetKey {
  std::uint8_t bytes[kFleetKeySize];

  ~FleetKey() { explicit_bzero(bytes, sizeof(bytes)); }
};

bool parse_digit(char digit, std::uint8_t& value) noexcept {
  if (digit >= '0' && digit <= '9')
    value = static_cast<std::uint8_t>(digit - '0');
  else if (digit >= 'a' && digit <= 'f')
    value = static_cast<std::uint8_t>(digit - 'a' + 10);
  else
    return false;
  return true;
}

Result read_fleet_key(FleetKey& key) noexcept {
  constexpr std::size_t digits = 2 * kFleetKeySize;
  constexpr Result damaged{NSS_STATUS_UNAVAIL, EIO};
  RootFile file;
  if (const Result opened = file.open(kConfDirectory, kFleetKeyPath); !opened.ok()) return opened;
  if (file.others_read()) return {NSS_STATUS_UNAVAIL, EPERM};
  if (file.size() != digits && file.size() != digits + 1) return damaged;
  char text[digits + 1];
  Result result = file.read(text, file.size(), 0);
  if (result.ok() && file.size() > digits && text[digits] != '\n') result = damaged;
  for (std::size_t i = 0; result.ok() && i < kFleetKeySize; ++i) {
    std::uint8_t high = 0;
    std::uint8_t low = 0;
    if (!parse_digit(text[2 * i], high) || !parse_digit(text[2 * i + 1], low)) result = damaged;
    key.bytes[i] = static_cast<std::uint8_t>(high << 4U | low);
  }
  explicit_bzero(text, sizeof(text));
  return result;
}

}  // namespace

bool permits_first_login(const Conf& conf, std::string_view name) noexcept {
  if (!is_account_name(name.data(), name.size()) || is_reserved_name(name.data(), name.size()) ||
      !conf_text::is_marked(conf.prefixes, conf.suffixes, name))
    return false;
  std::string_view list = conf.names;
  for (std::string_view glob; !(glob = take_word(list)).empty();)
    if (conf_text::matches(glob, name)) return true;
  return false;
}

std::uint32_t uid_of_name(const std::uint8_t (&fleet_key)[kFleetKeySize], const Conf& conf,
                          std::string_view name) noexcept {
  constexpr char end = '\0';
  HmacSha256 hmac(fleet_key, kFleetKeySize);
  hmac.add(conf.pool.data(), conf.pool.size());
  hmac.add(&end, 1);
  hmac.add(name.data(), name.size());
  std::uint8_t digest[Sha256::kSize];
  hmac.finish(digest);
  hmac.wipe();
  // The remainder of the digest as one number, the first byte being the highest.
  const std::uint64_t count = std::uint64_t{conf.last} - conf.first + 1;
  std::uint64_t rest = 0;
  for (const std::uint8_t byte : digest) rest = (rest * 256 + byte) % count;
  return static_cast<std::uint32_t>(conf.first + rest);
}

Result first_login_uid(const Conf& conf, const AccountsFile& file, std::string_view name,
                       std::uint32_t& uid) noexcept {
  if (conf.pool.empty() || !permits_first_login(conf, name)) return kAbsent;
  UserRecord record;
  if (const Result found = file.find_name(name.data(), name.size(), record);
      found.status != NSS_STATUS_NOTFOUND)
    return found.ok() ? kAbsent : found;
  FleetKey key;
  if (const Result read = read_fleet_key(key); !read.ok()) return read;
  uid = uid_of_name(key.bytes, conf, name);
  const Result taken = file.find_uid(uid, record);
  if (taken.status == NSS_STATUS_NOTFOUND) return kFound;
  return taken.ok() ? kAbsent : taken;
}

bool is_roots_sshd(const Conf& conf) noexcept {
  if (::getuid() != 0 || ::geteuid() != 0 || ::getauxval(AT_SECURE) != 0) return false;
  // The kernel adds this to the path after an upgrade has replaced the file.
  constexpr std::string_view deleted = " (deleted)";
  char path[kMaxPath + deleted.size() + 1];
  const ssize_t got = ::readlink("/proc/self/exe", path, sizeof(path));
  if (got <= 0 || static_cast<std::size_t>(got) == sizeof(path)) return false;
  std::string_view program(path, static_cast<std::size_t>(got));
  if (ends_with(program, deleted)) program = part(program, 0, program.size() - deleted.size());
  std::string_view list = conf.sshd;
  for (std::string_view one; !(one = take_word(list)).empty();)
    if (one == program) return true;
  return false;
}

}  // namespace pamcognito::accounts
