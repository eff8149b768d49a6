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
#include <vector>

#include "common/secret.h"

namespace pamcognito::sessions {
namespace {

constexpr std::size_t kSequenceSize = sizeof(std::uint64_t);
constexpr std::size_t kChecksumSize = 16;
constexpr std::size_t kCountAt = kSequenceSize + kChecksumSize;
constexpr std::size_t kNumbersAt = kCountAt + 2 * sizeof(std::uint16_t);

std::size_t space_in_first(std::size_t slot_size, std::size_t others) {
  return slot_size - kNumbersAt - others * sizeof(std::uint32_t);
}

std::size_t space_in_other(std::size_t slot_size) {
  return slot_size - kSequenceSize;
}

// Against torn and damaged slots, not against an enemy: who can write here is this daemon.
class Checksum {
 public:
  using Bytes = std::array<std::uint8_t, kChecksumSize>;

  Checksum() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    good_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
  }
  void add(const void* data, std::size_t size) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), data, size) == 1;
  }
  // nullopt: OpenSSL has no memory.
  std::optional<Bytes> finish() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    if (!good_ || EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1)
      return std::nullopt;
    Bytes bytes{};
    std::copy_n(digest.begin(), bytes.size(), bytes.begin());
    return bytes;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
  bool good_;
};

void wipe_bytes(std::span<std::uint8_t> bytes) {
  if (!bytes.empty()) wipe({reinterpret_cast<char*>(bytes.data()), bytes.size()});
}

// Numbers have the machine's own byte order: the memory never leaves it. A text is two bytes of
// length and its bytes.
class Writer {
 public:
  explicit Writer(std::vector<std::uint8_t>& bytes) noexcept : bytes_(bytes) {}

  template <class T>
    requires std::is_arithmetic_v<T>
  void number(T value) {
    raw(&value, sizeof value);
  }
  void raw(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }
  void count(std::size_t count) {
    fits_ = fits_ && count <= std::numeric_limits<std::uint16_t>::max();
    number(static_cast<std::uint16_t>(count));
  }
  void text(std::string_view text) {
    count(text.size());
    if (fits_) raw(text.data(), text.size());
  }
  [[nodiscard]] bool fits() const noexcept { return fits_; }

 private:
  std::vector<std::uint8_t>& bytes_;
  bool fits_ = true;
};

// The bytes that a session takes, so that they are written into one block, which is wiped.
std::size_t packed_size(const Session& session) {
  constexpr std::size_t numbers = 256;  // more than all that is no text
  std::size_t size = numbers;
  for (const std::string* text :
       {&session.user, &session.sub, &session.cognito_name, &session.service, &session.origin,
        &session.refresh_token, &session.device_key, &session.address})
    size += sizeof(std::uint16_t) + text->size();
  for (const std::string& group : session.groups) size += sizeof(std::uint16_t) + group.size();
  return size;
}

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

constexpr auto kLastMethod = std::to_underlying(cognito::Method::custom);

void write_factor(Writer& writer, const std::optional<cognito::Method>& factor) {
  const int value = factor ? 1 + std::to_underlying(*factor) : 0;
  writer.number(static_cast<std::uint8_t>(value));
}

std::optional<cognito::Method> read_factor(Reader& reader) {
  const std::uint8_t value = reader.choice(kLastMethod + 1);
  if (value == 0) return std::nullopt;
  return static_cast<cognito::Method>(value - 1);
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
        &session.refresh_token, &session.device_key, &session.address}) {
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
  for (std::string* text :
       {&session.user, &session.sub, &session.cognito_name, &session.service, &session.origin,
        &session.refresh_token, &session.device_key, &session.address}) {
    *text = reader.text();
  }
  const auto groups = reader.number<std::uint16_t>();
  for (unsigned i = 0; i < groups && reader.good(); ++i) session.groups.push_back(reader.text());
  return session;
}

}  // namespace

std::optional<PackedSession> PackedSession::of(const Session& session) {
  PackedSession packed;
  packed.bytes_.reserve(packed_size(session));
  Writer writer(packed.bytes_);
  write_session(writer, session);
  if (!writer.fits()) return std::nullopt;
  return packed;
}

PackedSession::~PackedSession() {
  wipe_bytes(bytes_);
}

std::size_t PackedSession::slots(std::size_t slot_size) const noexcept {
  const std::size_t per_other = space_in_other(slot_size) - sizeof(std::uint32_t);
  const std::size_t alone = space_in_first(slot_size, 0);
  if (bytes_.size() <= alone) return 1;
  return 1 + (bytes_.size() - alone + per_other - 1) / per_other;
}

std::span<std::uint8_t> SessionSlots::slot(std::uint32_t number) const noexcept {
  return memory_->slot(number);
}

std::optional<SessionSlots> SessionSlots::read(const SlotMemory& memory, std::uint32_t first) {
  SessionSlots slots(memory, {first});
  if (slots.sequence() == 0) return std::nullopt;
  const std::span<const std::uint8_t> bytes = slots.first();
  Reader reader(bytes.subspan(kCountAt));
  const auto count = reader.number<std::uint16_t>();
  if (count > (bytes.size() - kNumbersAt) / sizeof(std::uint32_t)) return std::nullopt;
  (void)reader.number<std::uint16_t>();
  for (unsigned i = 0; i < count; ++i) {
    const auto number = reader.number<std::uint32_t>();
    if (number >= memory.slots() ||
        std::ranges::find(slots.numbers_, number) != slots.numbers_.end())
      return std::nullopt;
    slots.numbers_.push_back(number);
  }
  return slots;
}

bool SessionSlots::fill(const PackedSession& session, std::uint64_t sequence) {
  const std::size_t others = numbers_.size() - 1;
  std::span<const std::uint8_t> left = session.bytes();
  const auto write = [&left](std::span<std::uint8_t> space) {
    const std::size_t part = std::min(left.size(), space.size());
    if (part != 0) std::memcpy(space.data(), left.data(), part);
    left = left.subspan(part);
  };
  const std::span<std::uint8_t> head = first();
  const auto count = static_cast<std::uint16_t>(others);
  std::memcpy(head.data() + kCountAt, &count, sizeof count);
  std::memcpy(head.data() + kNumbersAt, numbers_.data() + 1, others * sizeof(std::uint32_t));
  write(head.last(space_in_first(head.size(), others)));
  for (std::size_t i = 1; i < numbers_.size(); ++i) write(slot(numbers_[i]).subspan(kSequenceSize));
  const auto sum = left.empty() ? checksum(sequence) : std::nullopt;
  if (!sum) {
    clear();
    return false;
  }
  std::ranges::copy(*sum, head.begin() + kSequenceSize);
  return true;
}

void SessionSlots::commit(std::uint64_t sequence) noexcept {
  set_sequence(sequence);
}

void SessionSlots::clear() noexcept {
  set_sequence(0);
  for (const std::uint32_t number : numbers_) wipe_bytes(slot(number));
}

std::uint64_t SessionSlots::sequence() const noexcept {
  return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(first().data()))
      .load(std::memory_order_relaxed);
}

// One store of eight bytes, after all that was written before it and before all that follows: the
// point at which a session begins or ends to count.
void SessionSlots::set_sequence(std::uint64_t sequence) noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(first().data()))
      .store(sequence, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

std::optional<SessionSlots::Sum> SessionSlots::checksum(std::uint64_t sequence) const {
  Checksum sum;
  sum.add(&sequence, sizeof sequence);
  const std::span<const std::uint8_t> head = first().subspan(kCountAt);
  sum.add(head.data(), head.size());
  for (std::size_t i = 1; i < numbers_.size(); ++i) {
    const std::span<const std::uint8_t> other = slot(numbers_[i]);
    sum.add(other.data(), other.size());
  }
  return sum.finish();
}

bool SessionSlots::is_whole() const {
  const auto sum = checksum(sequence());
  return sum && std::ranges::equal(*sum, first().subspan(kSequenceSize, kChecksumSize));
}

std::optional<Session> SessionSlots::unpack() const {
  const std::size_t others = numbers_.size() - 1;
  const std::span<const std::uint8_t> head = first();
  std::span<const std::uint8_t> packed = head.last(space_in_first(head.size(), others));
  std::vector<std::uint8_t> joined;
  if (others != 0) {
    joined.reserve(numbers_.size() * head.size());
    joined.assign(packed.begin(), packed.end());
    for (std::size_t i = 1; i < numbers_.size(); ++i) {
      const std::span<const std::uint8_t> part = slot(numbers_[i]).subspan(kSequenceSize);
      joined.insert(joined.end(), part.begin(), part.end());
    }
    packed = joined;
  }
  Reader reader(packed);
  Session session = read_session(reader);
  wipe_bytes(joined);
  if (!reader.good()) return std::nullopt;
  return session;
}

}  // namespace pamcognito::sessions
