#include "pam/log_id.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "common/hexadecimal.h"
#include "pam/pam_data.h"

namespace pamcognito::pam {
namespace {

constexpr char kName[] = "pam_cognito_id";

struct LogId {
  std::array<char, kLogIdSize + 1> text{};
};

const char* store(pam_handle_t* pamh, std::unique_ptr<LogId> id) noexcept {
  const char* text = id->text.data();
  return store_data(pamh, kName, std::move(id)) ? text : "";
}

}  // namespace

const char* log_id(pam_handle_t* pamh) noexcept {
  if (const auto* present = find_data<LogId>(pamh, kName)) return present->text.data();
  std::array<std::uint8_t, kLogIdSize / 2> random{};
  // Early in the boot it would wait for the kernel's randomness: a login does not, for a log's
  // sake.
  if (::getrandom(random.data(), random.size(), GRND_NONBLOCK) !=
      static_cast<ssize_t>(random.size()))
    return "";
  std::unique_ptr<LogId> id(new (std::nothrow) LogId());
  if (!id) return "";
  write_hexadecimal(random, id->text.data());
  return store(pamh, std::move(id));
}

void adopt_log_id(pam_handle_t* pamh, const char* digits) noexcept {
  std::unique_ptr<LogId> id(new (std::nothrow) LogId());
  if (!id) return;
  std::memcpy(id->text.data(), digits, kLogIdSize);
  (void)store(pamh, std::move(id));
}

}  // namespace pamcognito::pam
