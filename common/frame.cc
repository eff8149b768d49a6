// Sends and receives frames. A frame that this file does not accept is never shown, answered or
// acted on: a text with a NUL, an unknown type or purpose, a datagram that is too long or carries a
// descriptor.

#include "common/frame.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/fd.h"
#include "common/text.h"

namespace pamcognito {
namespace {

constexpr std::size_t kHeaderSize = 2;
constexpr std::size_t kOutcomePayload = 1 + kSignInIdSize;

constexpr bool is_notice_or_ask(FrameType type) {
  switch (type) {
    case FrameType::info:
    case FrameType::error:
    case FrameType::ask_hidden:
    case FrameType::ask_visible:
      return true;
    case FrameType::outcome:
    case FrameType::answer:
    case FrameType::abort:
    case FrameType::ack:
    case FrameType::account:
      return false;
  }
  return false;
}

constexpr bool is_known_purpose(std::uint8_t value) {
  return value <= static_cast<std::uint8_t>(Purpose::password_and_code);
}

std::expected<void, FrameError> send_frame(int socket, FrameType type, Purpose purpose,
                                           std::string_view payload) noexcept {
  std::array<std::uint8_t, kHeaderSize> header = {static_cast<std::uint8_t>(type),
                                                  static_cast<std::uint8_t>(purpose)};
  // sendmsg() only reads through iov_base; the type lacks a const.
  std::array<iovec, 2> parts = {
      iovec{.iov_base = header.data(), .iov_len = header.size()},
      iovec{.iov_base = const_cast<char*>(payload.data()), .iov_len = payload.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::unexpected(FrameError::would_block);
  if (errno == EPIPE || errno == ECONNRESET) return std::unexpected(FrameError::closed);
  return std::unexpected(FrameError::system);
}

// A received datagram. The destructor wipes it. The buffer has no spare byte to detect a longer
// datagram, because the kernel reports one with MSG_TRUNC.
class Datagram {
 public:
  Datagram() noexcept = default;
  Datagram(const Datagram&) = delete;
  Datagram& operator=(const Datagram&) = delete;
  ~Datagram() { wipe({buffer_.data(), used_}); }

  std::expected<void, FrameError> receive(int socket) noexcept;

  [[nodiscard]] FrameType type() const noexcept {
    return static_cast<FrameType>(static_cast<std::uint8_t>(buffer_[0]));
  }
  [[nodiscard]] Purpose purpose() const noexcept { return static_cast<Purpose>(buffer_[1]); }
  [[nodiscard]] std::string_view payload() const noexcept {
    return {buffer_.data() + kHeaderSize, used_ - kHeaderSize};
  }

 private:
  std::array<char, kMaxDatagram> buffer_;
  std::size_t used_ = 0;
};

std::expected<void, FrameError> Datagram::receive(int socket) noexcept {
  // Without room for ancillary data the kernel passes no descriptor into this process and reports
  // MSG_CTRUNC.
  iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t received = -1;
  bool was_reset = false;
  while ((received = ::recvmsg(socket, &message, MSG_DONTWAIT)) < 0) {
    // If the peer has closed without reading all frames, the kernel reports ECONNRESET once, before
    // the frames that the peer had sent.
    const bool first_reset = errno == ECONNRESET && !std::exchange(was_reset, true);
    if (errno != EINTR && !first_reset) break;
  }
  if (received < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::unexpected(FrameError::would_block);
    if (errno == ECONNRESET) return std::unexpected(FrameError::closed);
    return std::unexpected(FrameError::system);
  }
  used_ = static_cast<std::size_t>(received);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return std::unexpected(FrameError::malformed);
  // An empty datagram cannot be told from the end of the connection.
  if (used_ == 0) return std::unexpected(FrameError::closed);
  if (used_ < kHeaderSize || !is_known_purpose(static_cast<std::uint8_t>(buffer_[1])))
    return std::unexpected(FrameError::malformed);
  return {};
}

bool has_nul(std::string_view text) noexcept {
  return text.find('\0') != std::string_view::npos;
}

}  // namespace

std::expected<void, FrameError> send_text(int socket, FrameType type, Purpose purpose,
                                          std::string_view text) noexcept {
  if (!is_notice_or_ask(type) || text.size() > kMaxText)
    return std::unexpected(FrameError::malformed);
  std::array<char, kMaxText> clean;
  const std::size_t size = make_printable(text, clean);
  auto sent = send_frame(socket, type, purpose, {clean.data(), size});
  wipe({clean.data(), size});  // the set-up of an authenticator app contains its secret
  return sent;
}

std::expected<void, FrameError> send_outcome(int socket, Outcome outcome,
                                             const SignInId& id) noexcept {
  std::array<char, kOutcomePayload> payload;
  payload[0] = static_cast<char>(outcome);
  std::memcpy(payload.data() + 1, id.data(), id.size());
  return send_frame(socket, FrameType::outcome, Purpose::other, {payload.data(), payload.size()});
}

std::expected<void, FrameError> send_answer(int socket, Purpose purpose,
                                            const Secret& answer) noexcept {
  if (has_nul(answer.reveal())) return std::unexpected(FrameError::malformed);
  return send_frame(socket, FrameType::answer, purpose, answer.reveal());
}

std::expected<void, FrameError> send_signal(int socket, FrameType type) noexcept {
  if (type != FrameType::abort && type != FrameType::ack && type != FrameType::account)
    return std::unexpected(FrameError::malformed);
  return send_frame(socket, type, Purpose::other, {});
}

std::expected<DaemonFrame, FrameError> receive_from_daemon(int socket) {
  Datagram datagram;
  if (auto received = datagram.receive(socket); !received) return std::unexpected(received.error());
  DaemonFrame frame;
  frame.type = datagram.type();
  frame.purpose = datagram.purpose();
  const std::string_view payload = datagram.payload();
  if (is_notice_or_ask(frame.type)) {
    if (has_nul(payload)) return std::unexpected(FrameError::malformed);
    frame.text = printable(payload, kMaxText);
    return frame;
  }
  if (frame.type != FrameType::outcome || payload.size() != kOutcomePayload)
    return std::unexpected(FrameError::malformed);
  frame.outcome = static_cast<Outcome>(static_cast<std::uint8_t>(payload[0]));
  std::memcpy(frame.sign_in_id.data(), payload.data() + 1, kSignInIdSize);
  return frame;
}

std::expected<ModuleFrame, FrameError> receive_from_module(int socket) noexcept {
  Datagram datagram;
  if (auto received = datagram.receive(socket); !received) return std::unexpected(received.error());
  ModuleFrame frame;
  frame.type = datagram.type();
  frame.purpose = datagram.purpose();
  const std::string_view payload = datagram.payload();
  switch (frame.type) {
    case FrameType::answer: {
      if (payload.size() > Secret::kCapacity || has_nul(payload))
        return std::unexpected(FrameError::malformed);
      auto answer = Secret::copy_of(payload);
      if (!answer) {
        errno = ENOMEM;
        return std::unexpected(FrameError::system);
      }
      frame.answer = std::move(*answer);
      return frame;
    }
    case FrameType::abort:
    case FrameType::ack:
    case FrameType::account:
      if (!payload.empty()) return std::unexpected(FrameError::malformed);
      return frame;
    case FrameType::info:
    case FrameType::error:
    case FrameType::ask_hidden:
    case FrameType::ask_visible:
    case FrameType::outcome:
      break;
  }
  return std::unexpected(FrameError::malformed);
}

}  // namespace pamcognito
