#include "accounts/fleet_key.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "accounts/files.h"
#include "common/fd.h"
#include "common/hexadecimal.h"
#include "common/root_file.h"
#include "nss/accounts_conf.h"

namespace pamcognito::accounts {
namespace {

constexpr std::size_t kDigits = 2 * kFleetKeySize;

// The key's bytes, wiped.
struct KeyBytes {
  std::array<std::uint8_t, kFleetKeySize> bytes{};

  KeyBytes() = default;
  KeyBytes(const KeyBytes&) = delete;
  KeyBytes& operator=(const KeyBytes&) = delete;
  ~KeyBytes() { wipe(std::span(reinterpret_cast<char*>(bytes.data()), bytes.size())); }
};

std::unexpected<Error> unusable(const std::string& path, std::string_view what) {
  return refused(Refusal::bad_configuration,
                 std::string(path).append(" ").append(what).append(
                     ": copy the file from another machine of the fleet, or run cognitoctl setup "
                     "--accounts if this is the first one"));
}

}  // namespace

Result<bool> make_fleet_key(const std::string& root) {
  const auto directory = open_directory(root + kConfDirectory, 0755);
  if (!directory) return std::unexpected(directory.error());
  const std::string path = root + kFleetKeyPath;
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) {
    if (const auto key = read_fleet_key(root); !key) return std::unexpected(key.error());
    return false;
  }
  KeyBytes key;
  if (::getrandom(key.bytes.data(), key.bytes.size(), 0) != static_cast<ssize_t>(key.bytes.size()))
    return storage_failure(path, "made");
  std::array<char, kDigits + 1> text{};
  write_hexadecimal(key.bytes, text.data());
  text.back() = '\n';
  // A file of its own first: a run that is cut short leaves no half of a key.
  constexpr char kNew[] = "fleet.key.new";
  (void)::unlinkat(directory->get(), kNew, 0);
  const Fd file(
      ::openat(directory->get(), kNew, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const bool written = file && write_whole(file.get(), {text.data(), text.size()}) &&
                       ::fchmod(file.get(), 0600) == 0 && ::fsync(file.get()) == 0;
  const int error = errno;
  wipe(text);
  errno = error;
  // link(), not rename(): it replaces no key that another program has made meanwhile.
  const bool linked =
      written && ::linkat(directory->get(), kNew, directory->get(), "fleet.key", 0) == 0;
  const int link_error = errno;
  (void)::unlinkat(directory->get(), kNew, 0);
  errno = link_error;
  if (!linked || ::fsync(directory->get()) != 0) return storage_failure(path, "made");
  return true;
}

Result<Secret> read_fleet_key(const std::string& root) {
  const std::string path = root + kFleetKeyPath;
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0)
    return errno == ENOENT ? unusable(path, "is missing") : storage_failure(path, "examined");
  if (!S_ISREG(status.st_mode) || status.st_uid != 0 || (status.st_mode & 0077U) != 0)
    return refused(Refusal::bad_configuration,
                   path +
                       " must be a regular file of root's that nobody else can read: run chown "
                       "root and chmod 600");
  auto text = read_root_file(path.c_str(), kDigits + 1);
  if (!text) return refused(Refusal::bad_configuration, text.error());
  if (!*text) return unusable(path, "is missing");
  std::string& digits = **text;
  const std::size_t size = digits.ends_with('\n') ? digits.size() - 1 : digits.size();
  KeyBytes key;
  const bool good = read_hexadecimal(std::string_view(digits).substr(0, size), key.bytes);
  wipe(digits);
  if (!good) return unusable(path, "is not a key of 64 hexadecimal digits");
  auto secret =
      Secret::copy_of({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
  if (!secret) return refused(Refusal::storage, "There is no memory for the fleet key.");
  return std::move(*secret);
}

Result<std::string> fleet_key_fingerprint(const std::string& root) {
  const auto key = read_fleet_key(root);
  if (!key) return std::unexpected(key.error());
  const std::string_view bytes = key->reveal();
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (::EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, ::EVP_sha256(), nullptr) != 1)
    return refused(Refusal::storage, "SHA-256 is not available.");
  return hexadecimal(std::span<const std::uint8_t>(digest).first(8));
}

uid_t uid_of(std::string_view fleet_key, std::string_view pool, std::string_view name, uid_t first,
             uid_t last) {
  std::string message(pool);
  message.push_back('\0');
  message.append(name);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (last < first || fleet_key.size() > INT_MAX ||
      ::HMAC(::EVP_sha256(), fleet_key.data(), static_cast<int>(fleet_key.size()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
             &size) == nullptr)
    return 0;
  // The remainder of the digest as one number, the first byte being the highest.
  const std::uint64_t count = std::uint64_t{last} - first + 1;
  std::uint64_t rest = 0;
  for (unsigned int i = 0; i < size; ++i) rest = (rest * 256 + digest[i]) % count;
  return static_cast<uid_t>(first + rest);
}

}  // namespace pamcognito::accounts
