#include "daemon/prompts/catalogue.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "common/fd.h"
#include "common/text.h"
#include "daemon/policy/values.h"
#include "daemon/prompts/mo_file.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::prompts {
namespace {

// Texts are made in the daemon's main thread only.
Translations& present() {
  static Translations translations;
  return translations;
}

std::string& present_help() {
  static std::string help;
  return help;
}

std::unexpected<std::string> wrong(const std::string& path, const std::string& what,
                                   const std::string& remedy) {
  return std::unexpected(path + ": " + what + ": " + remedy + ", or set language = en in [texts]");
}

std::unexpected<std::string> unreadable(const std::string& path, int error) {
  if (error == ENOENT) return wrong(path, "does not exist", "install that language");
  return wrong(path, "cannot be read: " + describe_errno(error), "see to its permissions");
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  // Without O_NONBLOCK a FIFO of that name would hold the daemon's start.
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return unreadable(path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return unreadable(path, errno);
  if (!S_ISREG(status.st_mode)) return wrong(path, "is not a regular file", "install it again");
  // One byte more than is accepted, so that a larger file is noticed.
  std::string bytes(kMaxMoFile + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxMoFile) return wrong(path, "is larger than 1 MiB", "install it again");
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::expected<void, std::string> use_language(const std::string& directory,
                                              const std::string& language) {
  if (language == kSourceLanguage) {
    present().clear();
    return {};
  }
  if (!policy::is_language(language)) {
    return std::unexpected("the language " + language +
                           " of [texts] is not one such as de or pt_BR");
  }
  const std::string path = directory + "/" + language + "/LC_MESSAGES/pam-cognito.mo";
  const auto bytes = read_file(path);
  if (!bytes) return std::unexpected(bytes.error());
  auto translations = parse_mo(*bytes);
  if (!translations) return wrong(path, translations.error(), "install it again");
  present() = std::move(*translations);
  return {};
}

void use_help(std::string help) {
  present_help() = std::move(help);
}

std::string help() {
  return present_help().empty() ? tr("Ask your administrator.") : present_help();
}

std::string tr(std::string_view english) {
  const auto found = present().find(english);
  // An empty translation is one that is not done yet.
  if (found == present().end() || found->second.empty()) return std::string(english);
  return found->second;
}

}  // namespace pamcognito::prompts
