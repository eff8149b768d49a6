#include "daemon/runtime/metrics_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::runtime {
namespace {

struct Contents {
  Contents(std::string path_, std::string text_) : path(std::move(path_)), text(std::move(text_)) {}
  std::string path;
  std::string text;
};

// 0, or errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// The same. Without fsync(2): after a crash of the machine the counters start anew anyhow.
int replace_file(Contents& contents) {
  constexpr mode_t kForEverybody = 0644;
  const std::string& path = contents.path;
  const std::string beside = path + ".new";
  // Never through what lies there already: it may be a link to something else.
  if (::unlink(beside.c_str()) != 0 && errno != ENOENT) return errno;
  const Fd file(
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kForEverybody));
  if (!file) return errno;
  int error = ::fchmod(file.get(), kForEverybody) == 0 ? 0 : errno;  // ignores the umask
  if (error == 0) error = write_all(file.get(), contents.text);
  if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) (void)::unlink(beside.c_str());
  return error;
}

}  // namespace

MetricsFile::MetricsFile(EventLoop& loop, Worker& worker, Metrics& source, std::string path,
                         std::chrono::seconds interval)
    : loop_(loop), worker_(worker), source_(source), path_(std::move(path)), interval_(interval) {
  source_.on_change([this] { changed(); });
  if (source_.changes() > 0) changed();
}

MetricsFile::~MetricsFile() {
  source_.on_change({});
}

void MetricsFile::changed() {
  if (next_ || writing_.running()) return;
  const MonotonicTime now = loop_.now();
  // Never within the change itself: the counting code must not wait for the file.
  next_.emplace(loop_, last_ ? std::max(now, *last_ + interval_) : now, [this] { write(); });
}

void MetricsFile::write() {
  next_.reset();
  writing_ = loop_.spawn(write_once(), [this](bool) {
    if (source_.changes() != written_) changed();
  });
}

Task<void> MetricsFile::write_once() {
  last_ = loop_.now();
  written_ = source_.changes();
  auto contents = std::make_shared<Contents>(path_, prometheus_text(source_.samples()));
  const auto result = co_await worker_.run_with(std::move(contents), &replace_file);
  const int error = result ? *result : EAGAIN;
  if (error != 0 && !failing_) {
    const char* const why = ::strerrordesc_np(error);
    log(Level::warning, "counters are not written to " + path_ + ": " +
                            (why != nullptr ? why : "error " + std::to_string(error)));
  }
  failing_ = error != 0;
}

}  // namespace pamcognito::runtime
