#include "daemon/sessions/session_slot.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/secret.h"

namespace pamcognito::sessions {
namespace {

constexpr std::size_t kSequenceSize = sizeof(std::uint64_t);
constexpr std::size_t kChecksumSize = 16;

// Against torn and damaged slots, not against an enemy: who can write here is this daemon.
using Checksum = std::array<std::uint8_t, kChecksumSize>;

std::optional<Checksum> checksum_of(std::uint64_t sequence, std::span<const std::uint8_t> payload) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), &sequence, sizeof sequence) != 1 ||
      EVP_DigestUpdate(context.get(), payload.data(), payload.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    return std::nullopt;
  }
  Checksum checksum{};
  std::copy_n(digest.begin(), checksum.size(), checksum.begin());
  return checksum;
}

// Numbers stand in the machine's own order: the memory never leaves it. A text is two bytes of
// length and its bytes.
class Writer {
 public:
  explicit Writer(std::span<std::uint8_t> space) noexcept : space_(space) {}

  template <class T>
    requires std::is_arithmetic_v<T>
  void number(T value) {
    raw(&value, sizeof value);
  }
  void raw(const void* data, std::size_t size) {
    fits_ = fits_ && size <= space_.size();
    if (!fits_ || size == 0) return;
    std::memcpy(space_.data(), data, size);
    space_ = space_.subspan(size);
  }
  void count(std::size_t count) {
    fits_ = fits_ && count <= std::numeric_limits<std::uint16_t>::max();
    number(static_cast<std::uint16_t>(count));
  }
  void text(std::string_view text) {
    count(text.size());
    raw(text.data(), text.size());
  }
  [[nodiscard]] bool fits() const noexcept { return fits_; }

 private:
  std::span<std::uint8_t> space_;
  bool fits_ = true;
};

// After the first read that does not fit, all give zeros and good() is false.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> space) noexcept : space_(space) {}

  template <class T>
    requires std::is_arithmetic_v<T>
  T number() {
    T value{};
    raw(&value, sizeof value);
    return value;
  }
  void raw(void* data, std::size_t size) {
    const auto bytes = take(size);
    if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  }
  std::string text() {
    const auto bytes = take(number<std::uint16_t>());
    return {bytes.begin(), bytes.end()};
  }
  // A number up to `highest`.
  std::uint8_t choice(std::uint8_t highest) {
    const auto value = number<std::uint8_t>();
    good_ = good_ && value <= highest;
    return good_ ? value : std::uint8_t{0};
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  std::span<const std::uint8_t> take(std::size_t size) {
    good_ = good_ && size <= space_.size();
    if (!good_) return {};
    const auto bytes = space_.first(size);
    space_ = space_.subspan(size);
    return bytes;
  }

  std::span<const std::uint8_t> space_;
  bool good_ = true;
};

constexpr auto kLastMethod = std::to_underlying(policy::Method::custom);

void write_factor(Writer& writer, const std::optional<policy::Method>& factor) {
  const int value = factor ? 1 + std::to_underlying(*factor) : 0;
  writer.number(static_cast<std::uint8_t>(value));
}

std::optional<policy::Method> read_factor(Reader& reader) {
  const std::uint8_t value = reader.choice(kLastMethod + 1);
  if (value == 0) return std::nullopt;
  return static_cast<policy::Method>(value - 1);
}

void write_verifier(Writer& writer, const std::optional<PasswordVerifier>& verifier) {
  writer.number(static_cast<std::uint8_t>(verifier ? 1 : 0));
  if (!verifier) return;
  writer.raw(verifier->salt.data(), verifier->salt.size());
  writer.raw(verifier->hash.data(), verifier->hash.size());
  writer.number(verifier->failures);
}

std::optional<PasswordVerifier> read_verifier(Reader& reader) {
  if (reader.choice(1) == 0) return std::nullopt;
  PasswordVerifier verifier;
  reader.raw(verifier.salt.data(), verifier.salt.size());
  reader.raw(verifier.hash.data(), verifier.hash.size());
  verifier.failures = reader.number<std::uint8_t>();
  return verifier;
}

void write_time(Writer& writer, runtime::BootTime time) {
  writer.number(static_cast<std::int64_t>(time.time_since_epoch().count()));
}

runtime::BootTime read_time(Reader& reader) {
  return runtime::BootTime(std::chrono::nanoseconds(reader.number<std::int64_t>()));
}

void write_session(Writer& writer, const Session& session) {
  writer.raw(session.id.data(), session.id.size());
  write_time(writer, session.signed_in);
  write_time(writer, session.verified);
  writer.number(session.binding.login_uid);
  writer.number(session.binding.audit_session);
  writer.number(session.pool);
  writer.number(static_cast<std::uint8_t>(session.login_open ? 1 : 0));
  write_factor(writer, session.factor);
  write_verifier(writer, session.verifier);
  for (const std::string* text :
       {&session.user, &session.sub, &session.cognito_name, &session.service, &session.origin,
        &session.refresh_token, &session.device_key}) {
    writer.text(*text);
  }
  writer.count(session.groups.size());
  for (const std::string& group : session.groups) writer.text(group);
}

Session read_session(Reader& reader) {
  Session session;
  reader.raw(session.id.data(), session.id.size());
  session.signed_in = read_time(reader);
  session.verified = read_time(reader);
  session.binding.login_uid = reader.number<std::uint32_t>();
  session.binding.audit_session = reader.number<std::uint32_t>();
  session.pool = reader.number<std::uint64_t>();
  session.login_open = reader.choice(1) == 1;
  session.factor = read_factor(reader);
  session.verifier = read_verifier(reader);
  for (std::string* text : {&session.user, &session.sub, &session.cognito_name, &session.service,
                            &session.origin, &session.refresh_token, &session.device_key}) {
    *text = reader.text();
  }
  const auto groups = reader.number<std::uint16_t>();
  for (unsigned i = 0; i < groups && reader.good(); ++i) session.groups.push_back(reader.text());
  return session;
}

}  // namespace

std::span<std::uint8_t> SessionSlot::checksum() const noexcept {
  return bytes_.subspan(kSequenceSize, kChecksumSize);
}

std::span<std::uint8_t> SessionSlot::payload() const noexcept {
  return bytes_.subspan(kSequenceSize + kChecksumSize);
}

bool SessionSlot::pack(const Session& session, std::uint64_t sequence) {
  Writer writer(payload());
  write_session(writer, session);
  const auto sum = writer.fits() ? checksum_of(sequence, payload()) : std::nullopt;
  if (!sum) {
    clear();
    return false;
  }
  std::ranges::copy(*sum, checksum().begin());
  return true;
}

void SessionSlot::commit(std::uint64_t sequence) noexcept {
  set_sequence(sequence);
}

void SessionSlot::clear() noexcept {
  set_sequence(0);
  wipe({reinterpret_cast<char*>(bytes_.data()), bytes_.size()});
}

std::uint64_t SessionSlot::sequence() const noexcept {
  return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(bytes_.data()))
      .load(std::memory_order_relaxed);
}

// One store of eight bytes, after all that was written before it and before all that follows: the
// point at which a slot begins or ends to count.
void SessionSlot::set_sequence(std::uint64_t sequence) noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(bytes_.data()))
      .store(sequence, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

bool SessionSlot::is_whole() const {
  const auto sum = checksum_of(sequence(), payload());
  return sum && std::ranges::equal(*sum, checksum());
}

std::optional<Session> SessionSlot::unpack() const {
  Reader reader(payload());
  Session session = read_session(reader);
  if (!reader.good()) return std::nullopt;
  return session;
}

}  // namespace pamcognito::sessions
