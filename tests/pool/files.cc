#include "tests/pool/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <ios>
#include <sstream>

#include "common/fd.h"

namespace pamcognito::pool {

namespace {

std::unexpected<std::string> failed(const std::string& path) {
  return std::unexpected(path + ": " + std::strerror(errno));
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

std::expected<void, std::string> write_file(const std::string& path, const std::string& contents,
                                            mode_t mode) {
  const std::string draft = path + ".new";
  Fd file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file) return failed(draft);
  size_t written = 0;
  while (written < contents.size()) {
    const ssize_t count = ::write(file.get(), contents.data() + written, contents.size() - written);
    if (count < 0) return failed(draft);
    written += static_cast<size_t>(count);
  }
  file.reset();
  if (std::rename(draft.c_str(), path.c_str()) != 0) return failed(path);
  return {};
}

}  // namespace pamcognito::pool
